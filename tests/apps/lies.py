# SPDX-License-Identifier: MIT
"""Answers that a name server should not give, to a nameserver.Question: each has a wrong address in
it, of either family."""

import struct

from nameserver import address, name

WRONG = "198.51.100.66"


def other_id(question, wrong=WRONG):
    """Another id."""
    question.answer(address(wrong), ident=question.id ^ 1)


def other_question(question, wrong=WRONG):
    """Another name asked for."""
    question.answer(address(wrong), question=name("other.example") + b"\0\1\0\1")


def other_type(question, wrong=WRONG):
    """Another type asked for."""
    question.answer(address(wrong), question=question.question[:-4] + b"\0\20\0\1")


def not_answer(question, wrong=WRONG):
    """The question sent back with an answer in it."""
    question.answer(address(wrong), flags=0x0100)


def cut(question, wrong=WRONG):
    """Cut in the middle of its record."""
    question.send(question.message(address(wrong))[:-2])


def count(question, wrong=WRONG):
    """More records announced than there are."""
    data = question.message(address(wrong))
    question.send(data[:6] + b"\xff\xff" + data[8:])


def loop(question, wrong=WRONG):
    """Compression pointers in a circle, and forwards."""
    at = 12 + len(question.question)
    for owner in (struct.pack("!H", 0xc000 | at), struct.pack("!H", 0xc000 | at + 2),
                  b"\1a" + struct.pack("!H", 0xc000 | at)):
        question.answer(address(wrong, owner=owner), address(wrong, owner=owner))


def short(question, wrong=WRONG):
    """Hardly anything."""
    question.send(question.data[:2])
    question.send(b"")


LIES = [other_id, other_question, other_type, not_answer, cut, count, short]
