/*
 * authd/means.h - what proves who a user is besides the password record: authorization
 * codes, and somebody else who knows the password.
 */
#ifndef POSTHORN_AUTHD_MEANS_H
#define POSTHORN_AUTHD_MEANS_H

#include "lib/auth/sasl.h"
#include "lib/ipc/accountd_means.h"

#define MEANS_KEYS_MAX (ACCOUNTD_CODES_MAX + 1) /* the password's among them */

struct means { /* zeroed: there is nothing but the password */
    bool no_mail_password, is_external;
    struct slice external; /* who knows the password (lib/auth/external.h) */
    struct accountd_oauth oauth;
    char *bytes; /* accountd's reply, which the codes borrow from; secret */
    size_t len;
    struct accountd_code codes[ACCOUNTD_CODES_MAX];
    uint32_t code_count;
};
/* Copies accountd's reply. 0, or -1: it is damaged, or nobody could tell. */
int means_set(struct means *means, struct slice reply);
void means_clear(struct means *means); /* wipes */

/* Where a code is to be used. */
struct means_place {
    const char *service, *client_ip;
    int64_t now_ms; /* real time */
};
/* The code that was given as a password, or NULL; whether it may be used there in *in_scope. */
const struct accountd_code *means_code(const struct means *means, struct slice password,
                                       const struct means_place *place, bool *in_scope);
const struct accountd_code *means_code_by_id(const struct means *means, struct slice id);

/* The SCRAM keys that a client at that place may prove to know, all with one salt; codes[i] is the
 * code of keys[i], NULL the password. Returns how many. */
size_t means_scram_keys(const struct means *means, struct slice record, enum digest digest,
                        const struct means_place *place, struct password_scram keys[MEANS_KEYS_MAX],
                        const struct accountd_code *codes[MEANS_KEYS_MAX]);

#endif
