/*
 * lib/dkim/signature.h - DKIM-Signature fields (RFC 6376), all but the signature itself.
 *
 * What is made here is a field whose "b=" is empty and the SHA-256 digest that has to be signed:
 * both algorithms sign that digest (RFC 6376 section 3.3.3, RFC 8463 section 3), so that who holds
 * the keys need not see the message.
 */
#ifndef POSTHORN_LIB_DKIM_SIGNATURE_H
#define POSTHORN_LIB_DKIM_SIGNATURE_H

#include <stdint.h>

#include "lib/base/strbuf.h"
#include "lib/dkim/algorithm.h"
#include "lib/mail/header.h"

#define DKIM_NAMES_MAX 256       /* names in an "h=" tag */
#define DKIM_FIELD_MAX 16384     /* bytes of one DKIM-Signature field */
#define DKIM_DIGEST 32           /* bytes of SHA-256 */
#define DKIM_HEADER_FIELDS 20000 /* fields of a header section that are looked at */

struct dkim_fields { /* a header section taken apart; the fields borrow from it */
    struct header_field *all;
    size_t count;
};
/* NULL, or why nobody can sign or verify it (a constant); free(fields->all) either way. */
const char *dkim_fields_read(struct slice section, struct dkim_fields *fields);

struct dkim_header_list {      /* which fields are signed; names in any case */
    const struct slice *names; /* where they are present: every one of that name */
    size_t count;
    const struct slice *oversigned; /* named once more than present, so that nobody can add one */
    size_t oversigned_count;
};

struct dkim_header {      /* what of a header section goes into the digest; strbufs are owned */
    struct strbuf names;  /* for the "h=" tag: "from:subject:subject" */
    struct strbuf hashed; /* the fields in canonical form, each with CRLF */
};

/* Chooses from `section`, a header section with or without its empty line. NULL, or why the
 * message cannot be signed (a constant); dkim_header_free() either way. */
const char *dkim_header_choose(struct slice section, const struct dkim_header_list *list,
                               struct dkim_header *out);
void dkim_header_free(struct dkim_header *header);

/* The domain of the author: of all addresses in the one From field, canonical (A-labels, lower
 * case). False: there is no such domain, or they differ. */
bool dkim_author_domain(struct slice section, struct strbuf *domain);

struct dkim_signer {
    struct slice domain, selector;
    enum dkim_algorithm algorithm;
    int64_t time_s;
    unsigned instance; /* 0: a DKIM-Signature. Else an ARC-Message-Signature (RFC 8617 section
                          4.1.2) with that number */
};
const char *dkim_algorithm_tag(enum dkim_algorithm algorithm); /* "rsa-sha256" */
/* Appends the field up to and including "b=", without its end, and gives the digest. 0, or -1:
 * `field` overflowed. */
int dkim_field_make(const struct dkim_signer *signer, const struct dkim_header *header,
                    const unsigned char body_hash[DKIM_DIGEST], struct strbuf *field,
                    unsigned char digest[DKIM_DIGEST]);
/* Appends the signature in base64, folded, and the line end. False: overflow. */
bool dkim_field_finish(struct strbuf *field, struct slice signature);

#endif
