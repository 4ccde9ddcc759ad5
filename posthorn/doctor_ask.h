/*
 * posthorn/doctor_ask.h - the doctor's questions to the DNS.
 */
#ifndef POSTHORN_POSTHORN_DOCTOR_ASK_H
#define POSTHORN_POSTHORN_DOCTOR_ASK_H

#include <netinet/in.h>

#include "lib/ipc/dnsd.h"
#include "posthorn/doctor.h"

#define ASKER_ADDRESSES_MAX 8

struct asker {
    struct doctor *d;
    struct ipc_client *client;
    const char *domain, *host; /* the domain in question, A-labels; system.hostname */
    int64_t deadline_ms;       /* of all questions together */
    unsigned not_asked;
    struct dnsd_answer *answer; /* of the last question; borrows from the client */
    char addresses[ASKER_ADDRESSES_MAX][INET6_ADDRSTRLEN]; /* of the host, as they are found */
    size_t address_count;
};

/* False: dnsd cannot be asked, which has been noted. Close it in both cases. */
bool asker_open(struct asker *a, struct doctor *d, const char *domain);
/* Notes how many questions there was no time for. */
void asker_close(struct asker *a);

/* True: there are records. Notes what keeps the answer away; that no time is left is told once, at
 * the end. */
bool asker_ask(struct asker *a, uint16_t rr, const char *name, const char *check);
/* The last answer's records, as shown to people: at most 300 bytes of each. */
void asker_list(const struct asker *a, struct strbuf *out);
/* Is a name out of the DNS `b`? */
bool asker_same_name(struct slice a, const char *b);
/* A, AAAA: record `i` of the last answer as text. */
bool asker_address(const struct asker *a, uint32_t i, char out[INET6_ADDRSTRLEN]);

#endif
