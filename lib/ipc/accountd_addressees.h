/*
 * lib/ipc/accountd_addressees.h - who gets a message to everybody: asked by alertd, page by page.
 * Conventions as in lib/ipc/accountd.h.
 */
#ifndef POSTHORN_LIB_IPC_ACCOUNTD_ADDRESSEES_H
#define POSTHORN_LIB_IPC_ACCOUNTD_ADDRESSEES_H

#include "lib/account/account_db.h"
#include "lib/ipc/accountd.h"

#define ACCOUNTD_ADDRESSEES_MAX 200 /* in one answer */

/* ---- ADDRESSEES: mailboxes that take mail, of one domain or (`domain` empty) of all ---- */
struct accountd_addressees {
    struct slice domain; /* a name or an alias */
    struct slice cursor; /* "", or that of the last answer */
};
int accountd_addressees_encode(struct strbuf *out, const struct accountd_addressees *query);
int accountd_addressees_decode(struct slice payload, struct accountd_addressees *query);

enum accountd_addressees_result {
    ACCOUNTD_ADDRESSEES_DONE,
    ACCOUNTD_ADDRESSEES_NO_DOMAIN,
    ACCOUNTD_ADDRESSEES_LATER /* the base failed */
};
struct accountd_addressees_reply {
    uint8_t result;      /* enum accountd_addressees_result; DONE: */
    struct slice cursor; /* not empty: there may be more */
    struct slice *items; /* decode: the caller's array of ACCOUNTD_ADDRESSEES_MAX */
    uint32_t count;
};
int accountd_addressees_reply_encode(struct strbuf *out, uint32_t id,
                                     const struct accountd_addressees_reply *reply);
int accountd_addressees_reply_decode(struct slice payload, struct accountd_addressees_reply *reply,
                                     struct slice items[ACCOUNTD_ADDRESSEES_MAX]);

#endif
