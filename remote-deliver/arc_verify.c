/*
 * remote-deliver/arc_verify.c - verifies the Authenticated Received Chain of a message.
 *
 * Input: a message that anybody wrote, and keys from the DNS. At most ARC_SETS_MAX + 1 signatures
 * are verified, newest first, until one is bad; all questions have one deadline.
 */
#include "remote-deliver/arc_verify.h"

#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/dkim/body_hash.h"
#include "lib/dkim/public_key.h"
#include "lib/ipc/dnsd.h"
#include "lib/mail/header.h"

enum { HEADER_READ_MAX = 1 << 20, KEYS_MAX = 4 /* records of one name that are tried */ };

struct verifier {
    struct ipc_client *dns;
    int64_t deadline;
    const struct smtp_message *message;
    struct slice section; /* of the header, with its empty line */
    struct arc_chain chain;
};

/* ---- the message ---- */

static int
read_section(const struct smtp_message *message, struct strbuf *section)
{
    size_t want = message->size < HEADER_READ_MAX ? (size_t)message->size : HEADER_READ_MAX, len;
    char *room = strbuf_room(section, want);

    if (room == NULL || pread_exact(message->fd, room, want, message->offset) < 0)
        return -1;
    strbuf_grew(section, want);
    len = header_section_len(strbuf_slice(section), 0);
    if (len == 0 && want < message->size)
        return -1;
    strbuf_truncate(section, len == 0 ? want : len); /* no empty line: all of it is header */
    return 0;
}

/* ---- one signature ---- */

static int
left_of(const struct verifier *v)
{
    int64_t left = v->deadline - clock_mono_ms();

    return left < 1 ? 1 : (int)left;
}

static struct dkim_public *
find_key(const struct verifier *v, const struct arc_claim *claim)
{
    char name[2 * DNSD_NAME_MAX];
    struct dnsd_answer answer;
    struct dkim_public *key = NULL;

    (void)snprintf(name, sizeof(name), "%.*s._domainkey.%.*s", (int)claim->selector.len,
                   claim->selector.ptr, (int)claim->domain.len, claim->domain.ptr);
    if (slice_of(name).len > DNSD_NAME_MAX)
        return NULL;
    dnsd_call(v->dns, DNS_TXT, slice_of(name), left_of(v), &answer);
    for (uint32_t i = 0; key == NULL && i < answer.count && i < KEYS_MAX; i++)
        key = dkim_public_parse(answer.records[i].data, claim->algorithm);
    return key;
}

static const char *
check_signature(const struct verifier *v, const struct arc_claim *claim,
                const unsigned char digest[DKIM_DIGEST])
{
    struct dkim_public *key = find_key(v, claim);
    const char *why = NULL;

    if (key == NULL)
        why = "no key in the DNS";
    else if (!dkim_public_verify(key, digest, strbuf_slice(&claim->signature)))
        why = "a signature that does not fit";
    dkim_public_free(&key);
    return why;
}

static const char *
check_body(const struct verifier *v, const struct arc_claim *claim)
{
    unsigned char hash[DKIM_DIGEST];
    uint64_t header = v->section.len;

    if (dkim_body_hash(v->message->fd, v->message->offset + (off_t)header,
                       v->message->size - header, claim->simple_body, hash) < 0)
        return "the body cannot be read";
    return slice_eq(slice_make(hash, DKIM_DIGEST), slice_make(claim->body_hash, DKIM_DIGEST))
               ? NULL
               : "the body was changed";
}

static const char *
check_message(const struct verifier *v)
{
    const struct arc_set *set = &v->chain.sets[v->chain.count - 1];
    unsigned char digest[DKIM_DIGEST];
    struct arc_claim claim;
    const char *why = arc_message_claim(set, &claim);

    if (why == NULL)
        why = check_body(v, &claim);
    if (why == NULL && !arc_message_digest(v->section, set, &claim, digest))
        why = "a header section that cannot be hashed";
    if (why == NULL)
        why = check_signature(v, &claim, digest);
    arc_claim_free(&claim);
    return why;
}

static const char *
check_seal(const struct verifier *v, unsigned instance)
{
    unsigned char digest[DKIM_DIGEST];
    struct arc_claim claim;
    const char *why = arc_seal_claim(&v->chain.sets[instance - 1], &claim);

    if (why == NULL && !arc_seal_digest(&v->chain, instance, digest))
        why = "a set that cannot be hashed";
    if (why == NULL)
        why = check_signature(v, &claim, digest);
    arc_claim_free(&claim);
    return why;
}

/* ---- the chain ---- */

/* Section 5.2, steps 2 to 6. */
static const char *
check_chain(const struct verifier *v)
{
    const char *why = v->chain.trouble;

    if (v->chain.ended)
        return "it has been broken before";
    if (why == NULL)
        why = check_message(v);
    for (unsigned i = v->chain.count; i > 0 && why == NULL; i--)
        why = check_seal(v, i);
    return why;
}

int
arc_verify(struct ipc_client *dns, int64_t deadline_mono_ms, const struct smtp_message *message,
           enum arc_cv *cv, const char **why)
{
    struct verifier v = {.dns = dns, .deadline = deadline_mono_ms, .message = message};
    struct strbuf section = strbuf_new(HEADER_READ_MAX);
    int rc = read_section(message, &section);

    *why = NULL;
    if (rc == 0) {
        v.section = strbuf_slice(&section);
        arc_collect(v.section, &v.chain);
        if (v.chain.count > 0 || v.chain.trouble != NULL)
            *why = check_chain(&v);
        *cv = *why != NULL ? ARC_FAIL : v.chain.count > 0 ? ARC_PASS : ARC_NONE;
    }
    strbuf_free(&section);
    return rc;
}
