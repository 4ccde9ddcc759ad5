/*
 * lib/auth/scram.h - the server's side of one SCRAM exchange (RFC 5802; GNU SASL behind it).
 *
 * GNU SASL wants the keys at once when it reads the client's first message, and a look-up takes
 * time. So that message is parsed here first, for the name, and given to the library later.
 */
#ifndef POSTHORN_LIB_AUTH_SCRAM_H
#define POSTHORN_LIB_AUTH_SCRAM_H

#include "lib/auth/password.h"

enum scram_status {
    SCRAM_MORE,     /* `out` goes to the client, who will answer */
    SCRAM_PROVED,   /* the client knows the password; `out` goes along with the success */
    SCRAM_DENIED,   /* wrong proof, or channel binding that does not fit */
    SCRAM_MALFORMED /* against RFC 5802 section 7 */
};

/* The name out of a client-first-message, decoded, into `user`. With an authorization identity the
 * name has to be the same. SCRAM_MORE: it is there. */
enum scram_status scram_parse_first(struct slice message, struct strbuf *user);

/* A saslname: "=2C" and "=3D" stand for ',' and '='. 0, or -1: it is none. */
int scram_decode_name(struct slice text, struct strbuf *out);

#define SCRAM_KEYS_MAX 17

struct scram;

void scram_init(void); /* before a sandbox */
/* `binding`: see sasl_new. */
struct scram *scram_new(enum digest digest, bool plus, struct slice binding);
void scram_free(struct scram **scramp);
/* The whole first message again, now with the keys: several if the client may know one of several
 * secrets; then all have the salt and iterations of the first. */
enum scram_status scram_first(struct scram *scram, struct slice message, struct slice user,
                              const struct password_scram *keys, size_t count, struct strbuf *out);
enum scram_status scram_final(struct scram *scram, struct slice message, struct strbuf *out);
size_t scram_key_proved(const struct scram *scram); /* after SCRAM_PROVED */

#endif
