/*
 * lib/dkim/arc.h - Authenticated Received Chains (RFC 8617): taking one apart, what its signatures
 * cover, and the next set. No I/O: who verifies brings the body's hash and the keys.
 */
#ifndef POSTHORN_LIB_DKIM_ARC_H
#define POSTHORN_LIB_DKIM_ARC_H

#include "lib/dkim/signature.h"

#define ARC_SETS_MAX 50 /* section 4.2.1 */

enum arc_cv { ARC_NONE, ARC_PASS, ARC_FAIL };
const char *arc_cv_word(enum arc_cv cv); /* "none" */

struct arc_set { /* a name of length 0: there is no such field */
    struct header_field results, message, seal;
};
struct arc_chain { /* borrows from the header section */
    struct arc_set sets[ARC_SETS_MAX];
    unsigned count;      /* the highest instance */
    bool ended;          /* the newest seal says that the chain is broken: nobody seals any more */
    const char *trouble; /* why the fields make no chain (section 5.2, step 3); NULL: they do */
};
/* From a header section without its empty line, or with it. No set at all is a chain of none. */
void arc_collect(struct slice section, struct arc_chain *chain);

/* What the signature of a set's message or of its seal says of itself. */
struct arc_claim {
    enum dkim_algorithm algorithm;
    struct slice domain, selector; /* whose key: borrowed */
    struct strbuf signature;       /* owned */
    /* Of a message signature: */
    struct slice names; /* "h=" */
    bool simple_header, simple_body;
    unsigned char body_hash[DKIM_DIGEST];
};
/* NULL, or why it can't be good (a constant); arc_claim_free() either way. */
const char *arc_message_claim(const struct arc_set *set, struct arc_claim *claim);
const char *arc_seal_claim(const struct arc_set *set, struct arc_claim *claim);
void arc_claim_free(struct arc_claim *claim);

/* The digests that were signed. False: the header section is none that can be hashed. */
bool arc_message_digest(struct slice section, const struct arc_set *set,
                        const struct arc_claim *claim, unsigned char digest[DKIM_DIGEST]);
bool arc_seal_digest(const struct arc_chain *chain, unsigned instance,
                     unsigned char digest[DKIM_DIGEST]);

/* Appends "ARC-Authentication-Results: i=N; ..." with its line end. `results` is what follows the
 * instance (RFC 8601 section 2.2), one line. False: overflow. */
bool arc_results_make(unsigned instance, struct slice results, struct strbuf *out);
/* The seal of the set behind `chain`, up to and including "b=", and its digest. `results` and
 * `message` are the set's other two fields, whole. With ARC_FAIL it covers that set alone (section
 * 5.1.2). 0, or -1: overflow. */
int arc_seal_make(const struct arc_chain *chain, enum arc_cv cv, const struct dkim_signer *signer,
                  struct slice results, struct slice message, struct strbuf *field,
                  unsigned char digest[DKIM_DIGEST]);

#endif
