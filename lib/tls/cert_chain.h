/*
 * lib/tls/cert_chain.h - the certificates of a file, in its order: what they say, and whether they
 * belong together.
 *
 * For the administrator's commands. Text from outside: an authority's, or a download.
 */
#ifndef POSTHORN_LIB_TLS_CERT_CHAIN_H
#define POSTHORN_LIB_TLS_CERT_CHAIN_H

#include <stdint.h>

#include "lib/base/strbuf.h"
#include "lib/ipc/tls_key.h"

#define CERT_CHAIN_MAX 10

struct cert_chain;

/* PEM text; text around the blocks is skipped. `name` stands for the file in errors. NULL with one
 * line in `error`: which certificate, on which line, and what is wrong. */
struct cert_chain *cert_chain_parse(struct slice pem, const char *name, struct strbuf *error);
struct cert_chain *cert_chain_read(const char *path, struct strbuf *error);
void cert_chain_free(struct cert_chain **chainp);
size_t cert_chain_count(const struct cert_chain *chain);

struct cert_about {
    char *subject, *issuer; /* one line */
    char *hosts;            /* DNS names, with a space between */
    char *key_type;         /* "RSA 2048" */
    char *serial;           /* hexadecimal */
    char *fingerprint;      /* SHA-256, hexadecimal with colons */
    int64_t not_before_ms, not_after_ms;
    bool self_signed;
    bool is_authority; /* may sign others */
    bool is_email;     /* for mail, and not for servers */
};
/* Of certificate `i`, from 0. Free it with cert_about_free. */
struct cert_about cert_chain_about(const struct cert_chain *chain, size_t i);
/* Of a request (PEM); times are 0. 0, or -1 with one line in `error`. */
int cert_about_request(struct slice pem, const char *name, struct cert_about *about,
                       struct strbuf *error);
void cert_about_free(struct cert_about *about);

/* RFC 9525 section 6.3: one of the DNS names is `host`, or "*." in place of its first label. */
bool cert_chain_names(const struct cert_chain *chain, const char *host);

/* Is it fit to be presented? Its first certificate is a server's with DNS names, or one alone that
 * signs itself; each is signed by the next one; all are valid at `now_ms` (real time). 0, or -1
 * with one line in `error`. */
int cert_chain_check(const struct cert_chain *chain, int64_t now_ms, struct strbuf *error);
/* Does the private key (PEM, not encrypted) belong to the first certificate? 0, or -1 with one line
 * in `error`. */
int cert_chain_check_key(const struct cert_chain *chain, struct slice key_pem, const char *key_name,
                         struct strbuf *error);
/* Is the first certificate for the key of the request (PEM), and for all of its DNS names? 0, or -1
 * with one line in `error`. */
int cert_chain_check_request(const struct cert_chain *chain, struct slice csr_pem,
                             struct strbuf *error);
/* The whole chain as PEM text without anything between, written from what was read. 0, or -1. */
int cert_chain_pem(const struct cert_chain *chain, struct strbuf *out);
/* What names the first certificate to its authority (RFC 9773 section 4.1). 0, or -1: it does not
 * say by which key it was signed. */
int cert_chain_renewal_id(const struct cert_chain *chain, struct strbuf *out);
/* The first certificate in DER, as programs on clients import it. 0, or -1. */
int cert_chain_der(const struct cert_chain *chain, struct strbuf *out);

#endif
