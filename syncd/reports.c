/*
 * syncd/reports.c - how the last synchronisation of each domain ended. No I/O.
 */
#include "syncd/reports.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "lib/base/mem.h"
#include "lib/ipc/object.h"

#define CUT_NOTE "; the report is longer than what is kept of it"

struct kept {
    TAILQ_ENTRY(kept) link;
    char *domain;
    struct strbuf text, data;
    struct sync_report report;
};
TAILQ_HEAD(kept_list, kept);

struct reports {
    struct kept_list list; /* the one that ended first is the first */
    unsigned count;
};

struct reports *
reports_new(void)
{
    struct reports *r = xcalloc(1, sizeof(*r));

    TAILQ_INIT(&r->list);
    return r;
}

static void
forget(struct reports *r, struct kept *k)
{
    TAILQ_REMOVE(&r->list, k, link);
    r->count--;
    free(k->domain);
    strbuf_free(&k->text);
    strbuf_free(&k->data);
    free(k);
}

void
reports_free(struct reports **rp)
{
    struct reports *r = *rp;
    struct kept *k, *next;

    if (r == NULL)
        return;
    for (k = TAILQ_FIRST(&r->list); k != NULL; k = next) {
        next = TAILQ_NEXT(k, link);
        forget(r, k);
    }
    xfree(rp);
}

static struct kept *
find(const struct reports *r, struct slice domain)
{
    struct kept *k;

    TAILQ_FOREACH(k, &r->list, link)
    if (slice_eq(domain, slice_of(k->domain)))
        return k;
    return NULL;
}

/* Whole rows, as many as fit. False: not all of them. */
static bool
copy_rows(struct slice data, struct strbuf *out)
{
    struct object_field *fields = xcalloc(OBJECT_FIELDS_MAX, sizeof(*fields));
    size_t fitting = 0;
    struct slice rest = data;

    while (object_next(&rest, fields) > 0 && data.len - rest.len <= REPORT_DATA_MAX)
        fitting = data.len - rest.len;
    (void)strbuf_append(out, slice_sub(data, 0, fitting)); /* it fits */
    free(fields);
    return fitting == data.len;
}

void
reports_add(struct reports *r, const char *domain, const struct sync_report *report)
{
    struct kept *k = find(r, slice_of(domain));

    if (k == NULL && r->count == REPORTS_MAX)
        k = TAILQ_FIRST(&r->list);
    if (k != NULL)
        forget(r, k);
    k = xcalloc(1, sizeof(*k));
    k->domain = xstrdup(domain);
    k->text = strbuf_new(SYNC_TEXT_MAX + sizeof(CUT_NOTE));
    k->data = strbuf_new(REPORT_DATA_MAX);
    (void)strbuf_append(&k->text, slice_sub(report->text, 0, SYNC_TEXT_MAX));
    if (!copy_rows(report->data, &k->data))
        (void)strbuf_str(&k->text, CUT_NOTE);
    k->report = *report;
    k->report.text = slice_sub(strbuf_slice(&k->text), 0, SYNC_TEXT_MAX);
    k->report.data = strbuf_slice(&k->data);
    TAILQ_INSERT_TAIL(&r->list, k, link);
    r->count++;
}

const struct sync_report *
reports_find(const struct reports *r, struct slice domain)
{
    const struct kept *k = find(r, domain);

    return k == NULL ? NULL : &k->report;
}
