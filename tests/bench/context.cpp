/* SPDX-License-Identifier: MIT */
/* What a switch between two contexts costs on this computer, one way, as the best of many rounds:
 * Boost.Context's fibers and swapcontext(3), as tests/guests/switch.c measures ours. */
#include <boost/context/fiber.hpp>
#include <ctime>
#include <cstdio>
#include <ucontext.h>

namespace {

constexpr int TURNS = 20000;
constexpr double SPAN_NS = 300e6;

double now()
{
	timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return 1e9 * static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec);
}

/* Two switches a turn. */
template <class Turn> void measure(const char *what, Turn turn)
{
	double from = now(), best = 1e18;

	do {
		double began = now();

		for (int i = 0; i < TURNS; i++)
			turn();
		best = std::min(best, now() - began);
	} while (now() - from < SPAN_NS);
	std::printf("switch: %s: %.2f ns\n", what, best / (2.0 * TURNS));
}

ucontext_t ours, other;
char stack[65536];

void bounce()
{
	for (;;)
		swapcontext(&other, &ours);
}

}

int main()
{
	boost::context::fiber fiber([](boost::context::fiber &&back) {
		for (;;)
			back = std::move(back).resume();
		return std::move(back);
	});

	measure("Boost.Context", [&] { fiber = std::move(fiber).resume(); });
	getcontext(&other);
	other.uc_stack.ss_sp = stack;
	other.uc_stack.ss_size = sizeof(stack);
	makecontext(&other, bounce, 0);
	measure("swapcontext", [] { swapcontext(&ours, &other); });
	std::fflush(stdout);
	std::_Exit(0);
}
