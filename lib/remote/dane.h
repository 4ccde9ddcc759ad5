/*
 * lib/remote/dane.h - the TLSA records of one server (RFC 7672 section 2.2).
 */
#ifndef POSTHORN_LIB_REMOTE_DANE_H
#define POSTHORN_LIB_REMOTE_DANE_H

#include "lib/ipc/dnsd.h"
#include "lib/tls/tls.h"

struct ipc_client;

#define DANE_RECORDS_MAX 32
#define DANE_BYTES_MAX 65536 /* of all records of one server */

enum dane_status {
    DANE_NONE,   /* nothing published that DNSSEC vouches for */
    DANE_FOUND,  /* at least one record, usable or not */
    DANE_FAILED, /* a question went unanswered, or its answer is forged: stay away from the host */
};

struct dane {
    char base[DNSD_NAME_MAX + 1]; /* the TLSA base domain */
    struct tls_tlsa records[DANE_RECORDS_MAX];
    size_t count;
    struct strbuf bytes; /* what the records borrow from */
};

struct dane_asker {
    struct ipc_client *dns;
    int64_t deadline_mono_ms; /* of all questions */
    bool use_ipv4, use_ipv6;
};

struct dane dane_new(void);
void dane_free(struct dane *dane);

/* Looks up the records of `host` at `port`. Those beyond the limits are left out. If FAILED, *what
 * is a constant that says what is missing. */
enum dane_status dane_look_up(const struct dane_asker *asker, const char *host, uint16_t port,
                              struct dane *dane, const char **what);
/* One question within the asker's deadline. */
void dane_ask(const struct dane_asker *asker, enum dns_rr rr, struct slice name,
              struct dnsd_answer *answer);

#endif
