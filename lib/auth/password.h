/*
 * lib/auth/password.h - stored passwords: making new records and checking a password against one.
 *
 * A user's record is one line: parts separated by a space, each "{SCHEME}data". New records are
 *     {YESCRYPT}$y$... {SCRAM-SHA-256}iterations,salt,stored,server {SCRAM-SHA-1}...
 * (salt and keys in base64; {ARGON2ID} in place of {YESCRYPT} by setting). Imported ones may have
 * any of the schemes in password.c's table; {PLAIN} takes the rest of the line, spaces included.
 * The functions need memory and time as the record says: authd calls them in its hash workers.
 */
#ifndef POSTHORN_LIB_AUTH_PASSWORD_H
#define POSTHORN_LIB_AUTH_PASSWORD_H

#include "lib/auth/digest.h"
#include "lib/base/strbuf.h"
#include "lib/conf/conf.h"

#define PASSWORD_MAX 511         /* bytes of a password: libcrypt's limit */
#define PASSWORD_RECORD_MAX 2048 /* bytes of a whole record */
#define PASSWORD_SALT_MAX 64

/* How new records are made. */
struct password_policy {
    bool argon2id;          /* else yescrypt */
    unsigned yescrypt_cost; /* 1 to 11: each step doubles time and memory */
    unsigned argon2_kib;    /* memory */
    unsigned argon2_passes;
    bool scram; /* add SCRAM keys */
    unsigned scram_iterations;
};
struct password_policy password_policy_from(const struct conf *conf); /* [auth] settings */

/* Appends a new record. 0, or -1 with errno: EINVAL (empty, too long, NUL or other control bytes in
 * it), ENOMEM (argon2). */
int password_hash(const struct password_policy *policy, struct slice password,
                  struct strbuf *record);

enum password_verdict {
    PASSWORD_RIGHT,
    PASSWORD_WRONG,
    PASSWORD_UNUSABLE, /* no part that anybody could check: "!", an unknown scheme */
    PASSWORD_NO_MEMORY /* as the record's parameters ask for: says nothing of the user */
};
enum password_verdict password_verify(struct slice record, struct slice password);
/* True if checking takes some 20 us at most: no need of a worker process. */
bool password_is_cheap(struct slice record);
/* True if a record made today of this password would be better: weak or old scheme, SCRAM keys
 * missing that it can have. */
bool password_is_outdated(const struct password_policy *policy, struct slice record,
                          struct slice password);

/* SCRAM's view of a record (RFC 5802 section 3). */
struct password_scram {
    unsigned iterations;
    size_t salt_len;
    unsigned char salt[PASSWORD_SALT_MAX];
    unsigned char stored_key[DIGEST_MAX], server_key[DIGEST_MAX]; /* digest_size() bytes */
};
/* Fills in the keys for DIGEST_SHA1 or DIGEST_SHA256. 0, or -1: the record has none. */
int password_scram_find(struct slice record, enum digest digest, struct password_scram *out);
/* Computes the keys from a password. Takes the time of `iterations`. */
void password_scram_make(enum digest digest, struct slice password, struct password_scram *keys);
/* Appends " {SCRAM-...}" to a record: the keys of `prepared` (past SASLprep) with the salt and the
 * iterations of *keys, whose keys are overwritten and wiped. 0, or -1: there was no room. */
int password_scram_append(enum digest digest, struct slice prepared, struct password_scram *keys,
                          struct strbuf *record);

#endif
