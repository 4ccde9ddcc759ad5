/*
 * lib/ipc/accountd_means.h - what proves who a user is besides the password record: asked by authd
 * when LOGIN's reply has ACCOUNTD_MORE_MEANS, and the report that a code was used. Conventions as
 * in lib/ipc/accountd.h.
 */
#ifndef POSTHORN_LIB_IPC_ACCOUNTD_MEANS_H
#define POSTHORN_LIB_IPC_ACCOUNTD_MEANS_H

#include "lib/ipc/accountd.h"

#define ACCOUNTD_CODES_MAX 16   /* of one user */
#define ACCOUNTD_CODE_ID_MAX 6  /* bytes */
#define ACCOUNTD_METHOD_MAX 900 /* bytes of a method */
#define ACCOUNTD_SCOPE_MAX 512  /* bytes of a list of services or addresses */

/* An authorization code. */
struct accountd_code {
    struct slice id;
    struct slice services;  /* names, separated by a space */
    struct slice addresses; /* IP addresses and networks, separated by a space; "": everywhere */
    struct slice expires;   /* last day (UTC), YYYY-MM-DD; "": none */
    struct slice record;    /* lib/auth/code.h */
};

/* By whose access tokens a user may log in; values of the domain's properties. */
#define ACCOUNTD_OAUTH_MAX 300 /* bytes of each */
struct accountd_oauth {
    struct slice issuer, audience, claim, keys, introspection;
};

/* ---- MEANS: by the user's canonical address ---- */
struct accountd_means {
    bool known;            /* false: there is no such user, or nobody could tell */
    bool mail_password;    /* the password works in mail programs */
    bool is_external;      /* somebody else knows the password: */
    struct slice external; /* by this method (lib/auth/external.h); "": the domain names none */
    struct accountd_oauth oauth;       /* issuer "": the domain takes no tokens */
    const struct accountd_code *codes; /* decode: the caller's array */
    uint32_t code_count;
};
int accountd_means_encode(struct strbuf *out, struct slice user);
int accountd_means_decode(struct slice payload, struct slice *user);
int accountd_means_reply_encode(struct strbuf *out, uint32_t id,
                                const struct accountd_means *means);
int accountd_means_reply_decode(struct slice payload, struct accountd_means *means,
                                struct accountd_code codes[ACCOUNTD_CODES_MAX]);

/* ---- CODE_USED: a login by an authorization code; answered OK, whatever came of it ---- */
struct accountd_code_used {
    struct slice user, id, client_ip;
};
int accountd_code_used_encode(struct strbuf *out, const struct accountd_code_used *used);
int accountd_code_used_decode(struct slice payload, struct accountd_code_used *used);

#endif
