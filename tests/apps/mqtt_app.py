#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A gateway between HTTP and MQTT with gevent and paho: the original of app/mqtt.

    tests/apps/mqtt_app.py PORT MQTT_ADDR MQTT_PORT TIMEOUT_MS
"""

from gevent import monkey
monkey.patch_all()

import json
import sys
import time

import paho.mqtt.client as mqtt
from gevent.pywsgi import WSGIServer

if len(sys.argv) != 5:
    sys.exit(__doc__)
PORT, ADDR, MQTT_PORT, TIMEOUT_MS = sys.argv[1:]
STATE = {"received": 0, "last": ""}


def on_connect(client, _data, _flags, refused):
    """Subscribes."""
    if not refused:
        client.subscribe("zeitkern/in", 1)


def on_message(_client, _data, message):
    """Keeps it."""
    STATE["received"] += 1
    STATE["last"] = message.payload.decode()


CLIENT = mqtt.Client()
CLIENT.on_connect = on_connect
CLIENT.on_message = on_message


def keep_connected():
    """Until it is there; the client's own thread looks after the rest."""
    while True:
        try:
            CLIENT.connect(ADDR, int(MQTT_PORT), 10)
            break
        except OSError:
            time.sleep(1)
    CLIENT.loop_start()


def publish(body):
    """Returns once the broker has acknowledged it."""
    message = CLIENT.publish("zeitkern/out", body, 1)
    message.wait_for_publish(int(TIMEOUT_MS) / 1000)
    if not message.is_published():
        raise TimeoutError
    return {"published": len(body)}


def app(environ, start_response):
    """WSGI."""
    status, answer = "200 OK", STATE
    if not CLIENT.is_connected():
        status, answer = "502 Bad Gateway", {"error": "mqtt: not connected"}
    elif environ["PATH_INFO"] == "/publish":
        answer = publish(environ["wsgi.input"].read())
    body = json.dumps(answer).encode()
    start_response(status, [("Content-Type", "application/json"),
                            ("Content-Length", str(len(body)))])
    return [body]


def main():
    """Serves."""
    keep_connected()
    WSGIServer(("0.0.0.0", int(PORT)), app, log=None).serve_forever()


main()
