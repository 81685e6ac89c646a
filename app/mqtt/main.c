/* SPDX-License-Identifier: MIT */
/* A gateway between HTTP and MQTT through libmosquitto, whose loop is a task like any other: the
 * counterpart of tests/apps/mqtt_app.py. */
#include <errno.h>
#include <mosquitto/include/mosquitto.h>
#include <string.h>
#include <unistd.h>

#include "app/app.h"
#include "kernel/sync.h"

#define KEEPALIVE_S 10
#define LOOP_MS 1000
#define TEXT_MAX 128

static char addr[64] = "127.0.0.1";
static uint32_t port = 1883, timeout_ms = 2000;
SETTINGS(TEXT_SETTING("mqtt.addr", addr, "a name or an address of at most 63 characters"),
	 NUMBER_SETTING("mqtt.port", port, 1, 65535, "a port, 1 to 65535"),
	 NUMBER_SETTING("mqtt.timeout_ms", timeout_ms, 1, 600000, "milliseconds, 1 to 600000"),
	 DEADLINE_SETTING);

static struct mosquitto *client;
static struct gate news;               /* pulsed when one of these has changed */
static int connected, received, acked;
static char last[TEXT_MAX];

static void on_connect(struct mosquitto *m, void *unused, int refused)
{
	connected = !refused && mosquitto_subscribe(m, NULL, "zeitkern/in", 1) == 0;
	gate_pulse(&news);
}

static void on_disconnect(struct mosquitto *m, void *unused, int why)
{
	connected = false;
	gate_pulse(&news);
}

static void on_message(struct mosquitto *m, void *unused, const struct mosquitto_message *message)
{
	size_t n = MIN((size_t)message->payloadlen, sizeof(last) - 1);

	memcpy(last, message->payload, n);
	last[n] = '\0';
	received++;
}

static void on_publish(struct mosquitto *m, void *unused, int mid)
{
	acked = mid;
	gate_pulse(&news);
}

static void keep_connected(void *unused)
{
	for (;;) {
		if (mosquitto_connect(client, addr, (int)port, KEEPALIVE_S) == 0)
			mosquitto_loop_forever(client, LOOP_MS, 1);
		sleep(1);
	}
}

static void show(struct request *req, struct response *res)
{
	if (connected)
		json(res, "{ received: %d, last: %s }", received, last);
	else
		failed(res, "mqtt", -ENOTCONN);
}

/* Answers once the broker has acknowledged it. */
static void publish(struct request *req, struct response *res)
{
	ktime deadline = clock_after_ms(timeout_ms);
	size_t len;
	const void *data = request_body(req, &len);
	int mid, err = 0;

	if (!connected || mosquitto_publish(client, &mid, "zeitkern/out", (int)len, data, 1, false))
		err = -ENOTCONN;
	while (err == 0 && (int16_t)(acked - mid) < 0)       /* they come in order */
		err = connected ? gate_wait(&news, deadline) : -ECONNRESET;
	if (err == 0)
		json(res, "{ published: %zu }", len);
	else
		failed(res, "mqtt", err);
}

void app_main(void)
{
	mosquitto_lib_init();
	client = mosquitto_new(NULL, true, NULL);
	if (!client || task_spawn("mqtt", keep_connected, NULL) < 0)
		panic("no memory for MQTT");
	mosquitto_connect_callback_set(client, on_connect);
	mosquitto_disconnect_callback_set(client, on_disconnect);
	mosquitto_message_callback_set(client, on_message);
	mosquitto_publish_callback_set(client, on_publish);
	route("GET", "/", show);
	route("POST", "/publish", publish);
}
