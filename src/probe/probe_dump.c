/*
 * Prints probes for tests, one line each: what it is, destination port, bytes in hexadecimal. IP
 * packets for "syn", payloads for "udp".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe/module.h"
#include "probe/udp_payloads.h"

#define FRAME_MAX 2048

static struct addr addr_of(const char *text)
{
	struct addr a;

	if (addr_parse(text, strlen(text), &a, NULL))
		abort();
	return a;
}

static void print(const char *name, const struct probe_module *module,
		  const struct probe_shot *shot)
{
	uint8_t frame[FRAME_MAX];
	size_t len = module->write(shot, frame, sizeof(frame));

	printf("%s %u ", name, shot->port);
	for (size_t i = 0; i < len; i++)
		printf("%02x", frame[i]);
	putchar('\n');
}

int main(void)
{
	struct probe_link link = { .source = addr_of("10.0.0.1") };
	struct probe_shot shot = {
		.target = addr_of("10.0.0.2"),
		.port = 80,
		.source_port = 40001,
		.link = &link,
		.cookie = 0x01020304,
		.mark = { .try = 1, .sent_ns = 0x11223344 * NS_PER_MS },
	};

	print("syn", &probe_syn, &shot);
	shot.ttl = 3;
	shot.target = addr_of("2001:db8::2");
	link.source = addr_of("2001:db8::1");
	print("syn", &probe_syn, &shot);
	link.source = addr_of("10.0.0.1");
	for (shot.port = 1; shot.port; shot.port++) {
		for (unsigned i = 0; i < udp_payload_count(shot.port); i++) {
			shot.mark.try = i;
			print("udp", &probe_udp, &shot);
		}
	}
	return 0;
}
