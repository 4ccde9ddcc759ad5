/*
 * stsd/tally.c - counts TLS outcomes of a day, and keeps them in a file.
 *
 * The file has a frame (lib/ipc/frame.h) for each domain and is replaced whole: a crash leaves the
 * old one or the new. Touches that one directory.
 */
#include "stsd/tally.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/log/log.h"
#include "lib/mail/address.h"

#define FILE_MAX_BYTES ((size_t)3 * TALLY_BYTES_MAX)
#define DOMAIN_MAX_BYTES (8u << 20) /* of one domain's frame */
#define FRAME_DOMAIN 1

enum { DAY_S = 24 * 60 * 60, DAYS_OF_LIFE = 40000 };

/* ---- days ---- */

void
tally_day_name(int64_t real_ms, char out[TALLY_NAME_MAX])
{
    struct strbuf text = strbuf_new(64);

    (void)clock_rfc3339(real_ms, &text); /* shorter */
    (void)snprintf(out, TALLY_NAME_MAX, "%.10s", strbuf_cstr(&text));
    strbuf_free(&text);
}

/* What names itself back is a day, and no other text is one. */
int64_t
tally_day_begin(struct slice day)
{
    struct slice rest = day;
    uint64_t year, month, mday;
    struct tm tm;
    char name[TALLY_NAME_MAX];
    int64_t begin;

    if (day.len != TALLY_NAME_MAX - 1 || parse_u64(slice_split(&rest, '-'), 9999, &year) < 0 ||
        parse_u64(slice_split(&rest, '-'), 12, &month) < 0 || parse_u64(rest, 31, &mday) < 0 ||
        year < 1970)
        return -1;
    tm = (struct tm){.tm_year = (int)year - 1900, .tm_mon = (int)month - 1, .tm_mday = (int)mday};
    begin = (int64_t)timegm(&tm);
    tally_day_name(begin * 1000, name);
    return slice_eq(slice_of(name), day) && begin / DAY_S < DAYS_OF_LIFE ? begin : -1;
}

/* ---- building ---- */

static void *
take(struct tally *t, size_t size)
{
    t->bytes += size;
    return xcalloc(1, size);
}

static char *
keep(struct tally *t, struct slice text)
{
    t->bytes += text.len + 1;
    return xslicedup(text);
}

struct tally *
tally_new(const char *day)
{
    struct tally *t = xcalloc(1, sizeof(*t));

    (void)snprintf(t->day, sizeof(t->day), "%s", day);
    t->begin_s = tally_day_begin(slice_of(day));
    STAILQ_INIT(&t->domains);
    t->by_name = map_new(TALLY_DOMAINS_MAX);
    return t;
}

static void
free_policy(struct tally_policy *p)
{
    struct tally_failure *f;

    while ((f = STAILQ_FIRST(&p->kinds)) != NULL) {
        STAILQ_REMOVE_HEAD(&p->kinds, link);
        free(f->sending_ip);
        free(f->receiving_ip);
        free(f->mx_host);
        free(f->mx_helo);
        free(f->reason);
        free(f);
    }
    free(p->domain);
    free(p->text);
    free(p);
}

void
tally_free(struct tally **tallyp)
{
    struct tally *t = *tallyp;
    struct tally_domain *d;
    struct tally_policy *p;

    if (t == NULL)
        return;
    while ((d = STAILQ_FIRST(&t->domains)) != NULL) {
        STAILQ_REMOVE_HEAD(&t->domains, link);
        while ((p = STAILQ_FIRST(&d->policies)) != NULL) {
            STAILQ_REMOVE_HEAD(&d->policies, link);
            free_policy(p);
        }
        free(d->name);
        free(d);
    }
    map_free(&t->by_name, NULL);
    xfree(tallyp);
}

/* ---- counting ---- */

struct tally_domain *
tally_find(const struct tally *t, struct slice domain)
{
    return map_get(t->by_name, domain);
}

static struct tally_domain *
domain_at(struct tally *t, struct slice name)
{
    struct tally_domain *d = tally_find(t, name);
    void **place;

    if (d != NULL || t->bytes >= TALLY_BYTES_MAX)
        return d;
    place = map_at(t->by_name, name);
    if (place == NULL)
        return NULL;
    d = take(t, sizeof(*d));
    d->name = keep(t, name);
    STAILQ_INIT(&d->policies);
    STAILQ_INSERT_TAIL(&t->domains, d, link);
    *place = d;
    return d;
}

static struct tally_policy *
policy_at(struct tally *t, struct tally_domain *d, const struct outcome *o)
{
    struct tally_policy *p;

    for (p = STAILQ_FIRST(&d->policies); p != NULL; p = STAILQ_NEXT(p, link))
        if (p->type == o->policy && slice_eq(o->policy_domain, slice_of(p->domain)) &&
            slice_eq(o->policy_text, slice_of(p->text)))
            return p;
    if (d->policy_count == TALLY_POLICIES_MAX || t->bytes >= TALLY_BYTES_MAX)
        return NULL;
    p = take(t, sizeof(*p));
    p->type = o->policy;
    p->domain = keep(t, o->policy_domain);
    p->text = keep(t, o->policy_text);
    STAILQ_INIT(&p->kinds);
    STAILQ_INSERT_TAIL(&d->policies, p, link);
    d->policy_count++;
    return p;
}

static bool
is_kind(const struct tally_failure *f, const struct outcome *o)
{
    return f->result == o->result && slice_eq(o->mx_host, slice_of(f->mx_host)) &&
           slice_eq(o->receiving_ip, slice_of(f->receiving_ip)) &&
           slice_eq(o->sending_ip, slice_of(f->sending_ip)) &&
           slice_eq(o->reason, slice_of(f->reason)) && slice_eq(o->mx_helo, slice_of(f->mx_helo));
}

static struct tally_failure *
kind_at(struct tally *t, struct tally_policy *p, const struct outcome *o)
{
    struct tally_failure *f;

    for (f = STAILQ_FIRST(&p->kinds); f != NULL; f = STAILQ_NEXT(f, link))
        if (is_kind(f, o))
            return f;
    if (p->kind_count == TALLY_FAILURES_MAX || t->bytes >= TALLY_BYTES_MAX)
        return NULL;
    f = take(t, sizeof(*f));
    *f = (struct tally_failure){.result = o->result,
                                .sending_ip = keep(t, o->sending_ip),
                                .receiving_ip = keep(t, o->receiving_ip),
                                .mx_host = keep(t, o->mx_host),
                                .mx_helo = keep(t, o->mx_helo),
                                .reason = keep(t, o->reason)};
    STAILQ_INSERT_TAIL(&p->kinds, f, link);
    p->kind_count++;
    return f;
}

void
tally_add(struct tally *t, const struct outcome *o)
{
    struct tally_domain *d = domain_at(t, o->domain);
    struct tally_policy *p = d == NULL ? NULL : policy_at(t, d, o);
    struct tally_failure *f;

    if (p == NULL) {
        if (t->left_out++ == 0)
            log_event(LOG_WARN, "tlsrpt_full", KV_STR("day", t->day),
                      KV_SLICE("domain", o->domain));
        return;
    }
    t->changed = true;
    if (o->result == OUTCOME_SUCCESS) {
        p->successes++;
        return;
    }
    p->failures++;
    f = kind_at(t, p, o);
    if (f != NULL)
        f->sessions++;
}

/* ---- the file ---- */

static void
write_policy(struct writer *w, const struct tally_domain *d, const struct tally_policy *p)
{
    const struct tally_failure *f;
    struct outcome o = {.policy = p->type,
                        .domain = slice_of(d->name),
                        .policy_domain = slice_of(p->domain),
                        .policy_text = slice_of(p->text)};

    outcome_write(w, &o);
    writer_u64(w, p->successes);
    writer_u64(w, p->failures);
    writer_u32(w, p->kind_count);
    for (f = STAILQ_FIRST(&p->kinds); f != NULL; f = STAILQ_NEXT(f, link)) {
        o = (struct outcome){.policy = p->type,
                             .result = f->result,
                             .domain = slice_of(d->name),
                             .policy_domain = slice_of(p->domain),
                             .sending_ip = slice_of(f->sending_ip),
                             .receiving_ip = slice_of(f->receiving_ip),
                             .mx_host = slice_of(f->mx_host),
                             .mx_helo = slice_of(f->mx_helo),
                             .reason = slice_of(f->reason)};
        outcome_write(w, &o);
        writer_u64(w, f->sessions);
    }
}

int
tally_write(int dirfd, struct tally *t)
{
    struct strbuf out = strbuf_new(FILE_MAX_BYTES);
    const struct tally_domain *d;
    int rc = -1;

    for (d = STAILQ_FIRST(&t->domains); d != NULL; d = STAILQ_NEXT(d, link)) {
        struct writer w = frame_begin(&out, FRAME_DOMAIN, 0);
        const struct tally_policy *p;

        writer_u8(&w, d->settled);
        writer_u32(&w, d->policy_count);
        for (p = STAILQ_FIRST(&d->policies); p != NULL; p = STAILQ_NEXT(p, link))
            write_policy(&w, d, p);
        (void)frame_end(&w); /* tested below */
    }
    errno = EFBIG;
    if (!out.overflow)
        rc = replace_file(dirfd, t->day, strbuf_slice(&out), 0600);
    t->changed = t->changed && rc < 0;
    strbuf_free(&out);
    return rc;
}

static bool
read_policy(struct tally *t, struct reader *r, bool settled)
{
    struct tally_domain *d;
    struct tally_policy *p;
    struct outcome o;
    uint64_t successes, failures;
    uint32_t kinds;

    if (!outcome_read(r, &o))
        return false;
    successes = reader_u64(r);
    failures = reader_u64(r);
    kinds = reader_count(r, TALLY_FAILURES_MAX);
    d = domain_at(t, o.domain);
    p = d == NULL ? NULL : policy_at(t, d, &o);
    if (p == NULL)
        return false;
    d->settled = settled;
    p->successes += successes;
    p->failures += failures;
    for (uint32_t i = 0; i < kinds && !r->failed; i++) {
        struct outcome kind;
        struct tally_failure *f = outcome_read(r, &kind) ? kind_at(t, p, &kind) : NULL;
        uint64_t sessions = reader_u64(r);

        if (f == NULL)
            return false;
        f->sessions += sessions;
    }
    return !r->failed;
}

static bool
read_domain(struct tally *t, struct slice payload)
{
    struct reader r = reader_begin(payload);
    bool settled = reader_u8(&r) != 0;
    uint32_t policies = reader_count(&r, TALLY_POLICIES_MAX);

    for (uint32_t i = 0; i < policies; i++)
        if (!read_policy(t, &r, settled))
            return false;
    return reader_end(&r) == 0;
}

static bool
read_frames(struct tally *t, struct slice bytes)
{
    while (bytes.len > 0) {
        struct frame_header header;

        if (bytes.len < FRAME_HEADER ||
            frame_header_decode(bytes.ptr, DOMAIN_MAX_BYTES, &header) < 0 ||
            header.type != FRAME_DOMAIN || header.length > bytes.len - FRAME_HEADER ||
            !read_domain(t, slice_make(bytes.ptr + FRAME_HEADER, header.length)))
            return false;
        bytes = slice_sub(bytes, FRAME_HEADER + header.length, bytes.len);
    }
    return true;
}

struct tally *
tally_read(int dirfd, const char *day)
{
    struct tally *t = tally_new(day);
    struct strbuf bytes = strbuf_new(FILE_MAX_BYTES);

    if (read_file(dirfd, day, &bytes) == 0) {
        if (!read_frames(t, strbuf_slice(&bytes)))
            log_event(LOG_ERROR, "tlsrpt_damaged", KV_STR("day", day));
    } else if (errno != ENOENT) {
        log_event(LOG_ERROR, "tlsrpt_unreadable", KV_STR("day", day), KV_ERRNO());
    }
    strbuf_free(&bytes);
    return t;
}

bool
tally_exists(int dirfd, const char *day)
{
    struct stat st;

    return fstatat(dirfd, day, &st, AT_SYMLINK_NOFOLLOW) == 0;
}
