/*
 * lib/auth/record.h - takes a stored password record apart: "{SCHEME}data {SCHEME}data ...".
 */
#ifndef POSTHORN_LIB_AUTH_RECORD_H
#define POSTHORN_LIB_AUTH_RECORD_H

#include "lib/auth/digest.h"

enum record_kind {
    RECORD_CRYPT,  /* crypt(3) knows it by its own prefix */
    RECORD_ARGON2, /* PHC string, argon2id or argon2i */
    RECORD_PLAIN,  /* the password itself */
    RECORD_DIGEST, /* one digest, base64 (with a salt behind it) or hex */
    RECORD_SCRAM,  /* iterations,salt,stored key,server key */
    RECORD_UNKNOWN
};

struct record_part {
    enum record_kind kind;
    enum digest digest; /* DIGEST and SCRAM */
    bool strong;        /* what a new record may have today */
    struct slice data;  /* behind the tag */
};

/* Takes the next part off *rest; false at the end. A part without a tag that starts with '$' is one
 * for crypt(3); any other is UNKNOWN. */
bool record_next(struct slice *rest, struct record_part *part);
/* The part that decides about a password: the first that is neither SCRAM nor UNKNOWN, else the
 * first SCRAM one. False: there is none. */
bool record_primary(struct slice record, struct record_part *part);

#endif
