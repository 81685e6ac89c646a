# SPDX-License-Identifier: MIT
# The C client of MQTT, unmodified, without its threads and its TLS.
LIBRARIES := mosquitto
mosquitto := $(addprefix lib/,actions alias_mosq callbacks connect handle_auth handle_connack \
	handle_disconnect handle_ping handle_pubackcomp handle_publish handle_pubrec handle_pubrel \
	handle_suback handle_unsuback helpers logging_mosq loop memory_mosq messages_mosq misc_mosq \
	mosquitto net_mosq options packet_datatypes packet_mosq property_mosq read_handle \
	send_connect send_disconnect send_mosq send_publish send_subscribe send_unsubscribe \
	socks_mosq srv_mosq strings_mosq time_mosq utf8_mosq util_mosq util_topic will_mosq)
mosquitto_FLAGS := $(addprefix -Ibuild/src/mosquitto/,include lib deps) -DVERSION='"2.0.21"'
mosquitto_LICENCE := edl-v10
BUDGETS := large
