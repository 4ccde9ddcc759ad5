/*
 * lib/dns/packet.h - takes a DNS response apart (RFC 1035 section 4).
 */
#ifndef POSTHORN_LIB_DNS_PACKET_H
#define POSTHORN_LIB_DNS_PACKET_H

#include "lib/base/strbuf.h"
#include "lib/ipc/dnsd.h"

#define DNS_PACKET_TEXT_MAX (128u << 10) /* names and texts of one answer */

/* Fills in everything of `answer` but the DNSSEC verdict from a response to one question for `rr`:
 * follows CNAMEs from the question's name, takes the records at the end of the chain, the least
 * time to live (of a negative answer: RFC 2308 section 5). The records borrow from `packet` and
 * from `text`, a buffer of the ceiling DNS_PACKET_TEXT_MAX that is cleared first; a name in it has
 * no trailing dot, the root is empty (null MX, RFC 7505). Records that are damaged, or hold a name
 * that nobody could ask for, are left out. 0, or -1: the packet is damaged or has no question. */
int dns_packet_parse(struct slice packet, uint16_t rr, struct strbuf *text,
                     struct dnsd_answer *answer);

/* Exported for the tests: the name at *offset as text into `out` (appended); *offset moves behind
 * it. -1: damaged, or characters that dns_name_valid refuses. */
int dns_packet_name(struct slice packet, size_t *offset, struct strbuf *out);

#endif
