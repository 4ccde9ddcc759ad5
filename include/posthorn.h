/*
 * posthorn.h - the administrative API of a Posthorn mail server, from C.
 *
 * Every function that returns int returns 0 (done), a result of the call (see posthorn-api(7)), or
 * one of the negative numbers below: then the server was not asked, or its answer did not come.
 * posthorn_text() says in words what went wrong. A connection is for one thread at a time.
 *
 *   struct posthorn *p = posthorn_new("mail.example.org", 6000);
 *   posthorn_trust(p, "/etc/ssl/certs/ca-certificates.crt");
 *   if (posthorn_login(p, "admin", password) != 0 ||
 *       posthorn_add_user(p, "ann", "example.org", "a good password") != 0)
 *       fprintf(stderr, "%s\n", posthorn_text(p));
 *   posthorn_free(&p);
 *
 * Link with -lposthorn (pkg-config posthorn).
 */
#ifndef POSTHORN_H
#define POSTHORN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define POSTHORN_API_VERSION 1

enum posthorn_error {
    POSTHORN_REFUSED = -1,     /* wrong name or password, or the session is over */
    POSTHORN_NOT_RUNNING = -2, /* nothing listens on that port */
    POSTHORN_UNREACHABLE = -3, /* no such host, no way to it, or no answer in time */
    POSTHORN_CERTIFICATE = -4, /* the server's certificate is not trusted, or of another name */
    POSTHORN_MISMATCH = -5,    /* what answers is no Posthorn, or does not know the call */
    POSTHORN_BAD_VALUE = -6    /* a value that cannot be sent: a text that is no UTF-8 */
};

struct posthorn; /* one server and the session with it */

/* `host` is a name or an address; nothing is connected yet. NULL: no memory. */
struct posthorn *posthorn_new(const char *host, unsigned port);
/* Init (ADM-21): `place` is HOST, HOST:PORT, [ADDRESS]:PORT, or the directory of an instance on
 * this host, by its absolute path ("/" is the installed one). In a directory run/admin.sock is
 * spoken to: root and the owner need no posthorn_login(). NULL: no memory, or it is none of these.
 */
struct posthorn *posthorn_open(const char *place);
void posthorn_free(struct posthorn **pp); /* ends the session, if there is one */

/* The file of certificates (PEM) to one of which the server's has to lead, or which it is. Without
 * it the system's are taken. 0, or -1: no memory. */
int posthorn_trust(struct posthorn *p, const char *ca_file);
/* The name that the certificate has to hold, if it is not `host`. */
int posthorn_expect_name(struct posthorn *p, const char *name);
void posthorn_timeout(struct posthorn *p, int ms); /* of a call; 60000 */

int posthorn_login(struct posthorn *p, const char *name, const char *password);
/* The code of the administrator's authenticator, for the next login; it is good for one. Without it
 * posthorn_login returns 3 where there is an authenticator. A session that is over meanwhile cannot
 * be begun anew then: the call returns POSTHORN_REFUSED. 0, or POSTHORN_BAD_VALUE: it is too long.
 */
int posthorn_code(struct posthorn *p, const char *code);

/* What the last function said; never NULL, valid until the next call. */
const char *posthorn_text(const struct posthorn *p);
/* The last answer as JSON, with result, text and what the call has to tell. */
const char *posthorn_answer(const struct posthorn *p);

/* One parameter of a call. */
struct posthorn_param {
    const char *name;
    const char *text; /* NULL: the number */
    int64_t number;
    int is_json; /* `text` is JSON: an object, true, false */
};
/* Any call by its name. A session that is over meanwhile is begun anew, once. */
int posthorn_call(struct posthorn *p, const char *call, const struct posthorn_param *params,
                  unsigned count);

/* ---- one function for each call (posthorn-api(7)); a text of NULL or a number of -1 is not given
 * ---- */
#ifndef POSTHORN_WITHOUT_CALLS /* what makes them is built without them */
#include <posthorn_calls.h>
#endif

#ifdef __cplusplus
}
#endif

#endif
