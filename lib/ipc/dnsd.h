/*
 * lib/ipc/dnsd.h - DNS questions to dnsd, the one resolver. Socket run/dnsd.sock.
 */
#ifndef POSTHORN_LIB_IPC_DNSD_H
#define POSTHORN_LIB_IPC_DNSD_H

#include "lib/ipc/frame.h"

#define DNSD_SOCKET "dnsd.sock"
#define DNSD_NAME_MAX 255
#define DNSD_RECORDS_MAX 256
#define DNSD_DATA_MAX 65535
#define DNSD_PAYLOAD_MAX (256u << 10)

enum dnsd_type { DNSD_QUERY = 1, DNSD_ANSWER };
/* Values of the DNS (RFC 1035 section 3.2.2, RFC 3596, RFC 2782, RFC 6698). */
enum dns_rr {
    DNS_A = 1,
    DNS_PTR = 12,
    DNS_MX = 15,
    DNS_TXT = 16,
    DNS_AAAA = 28,
    DNS_SRV = 33,
    DNS_TLSA = 52,
    DNS_CNAME = 5
};

enum dns_status {
    DNS_FOUND,  /* one record or more */
    DNS_NODATA, /* the name exists, the type does not */
    DNS_NXDOMAIN,
    DNS_TEMPORARY, /* time-out, SERVFAIL, bogus signature: try later, never a final answer */
};

struct dnsd_query {
    uint16_t rr; /* enum dns_rr */
    struct slice
        name; /* without trailing dot; an IP address with DNS_PTR is turned round by dnsd */
};
struct dns_record {
    uint16_t preference;   /* MX preference, SRV priority, TLSA: usage << 8 | selector */
    uint16_t weight, port; /* SRV; TLSA: weight is the matching type */
    struct slice data;     /* A 4 bytes, AAAA 16 bytes, names as text, TXT joined, TLSA bytes */
};
struct dnsd_answer {
    uint8_t status;     /* enum dns_status */
    bool secure, bogus; /* DNSSEC verdict */
    uint32_t ttl_s;
    struct slice canonical; /* name after CNAMEs */
    uint32_t count;
    struct dns_record records[DNSD_RECORDS_MAX];
};
int dnsd_query_encode(struct strbuf *out, const struct dnsd_query *query);
int dnsd_query_decode(struct slice payload, struct dnsd_query *query);
int dnsd_answer_encode(struct strbuf *out, uint32_t id, const struct dnsd_answer *answer);
int dnsd_answer_decode(struct slice payload, struct dnsd_answer *answer); /* borrows from payload */

/* Blocking: asks and waits at most `timeout_ms`. No answer in time is DNS_TEMPORARY. */
struct ipc_client;
void dnsd_call(struct ipc_client *dns, uint16_t rr, struct slice name, int timeout_ms,
               struct dnsd_answer *answer);

#endif
