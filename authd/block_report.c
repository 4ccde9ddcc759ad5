/*
 * authd/block_report.c - new blocks on their way to accountd.
 */
#include "authd/block_report.h"

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/accountd.h"
#include "lib/ipc/accountd_block.h"
#include "lib/log/log.h"

enum { TIMEOUT_MS = 60000, RETRY_MS = 1000, REQUEST_MAX = 4096 };

struct report {
    struct block_reports *all;
    struct block block; /* the slices are ours */
    bool asked;         /* its answer will come */
    bool given_up;      /* nobody waits for it any more: it goes with its answer */
    TAILQ_ENTRY(report) link;
};

struct block_reports {
    struct ipc_async *accounts;
    struct loop_timer *retry;
    TAILQ_HEAD(, report) waiting;
    unsigned count;
};

static void
report_free(struct report *report)
{
    free((char *)(uintptr_t)report->block.name.ptr);
    free((char *)(uintptr_t)report->block.reason.ptr);
    free(report);
}

static void
forget(struct report *report)
{
    TAILQ_REMOVE(&report->all->waiting, report, link);
    report->all->count--;
    if (report->asked)
        report->given_up = true;
    else
        report_free(report);
}

static void
told(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct report *report = arg;

    (void)payload;
    close_keep_errno(fd);
    report->asked = false;
    if (report->given_up)
        report_free(report);
    else if (header != NULL && header->type == ACCOUNTD_OK)
        forget(report);
    else
        loop_timer_set(report->all->retry, RETRY_MS);
}

static void
tell(struct report *report)
{
    struct strbuf request = strbuf_new(REQUEST_MAX);

    report->asked = true;
    assert_always(accountd_block_encode(&request, &report->block) == 0);
    ipc_async_call(report->all->accounts, &request, TIMEOUT_MS, told, report);
    strbuf_free(&request);
}

/* A call may be answered, and its report gone, before it returns: one a turn. */
static void
tell_next(void *arg)
{
    struct block_reports *reports = arg;
    struct report *report;

    TAILQ_FOREACH(report, &reports->waiting, link)
    if (!report->asked)
        break;
    if (report == NULL)
        return;
    loop_timer_set(reports->retry, 0);
    tell(report);
}

struct block_reports *
block_reports_new(struct loop *loop, struct ipc_async *accounts)
{
    struct block_reports *reports = xcalloc(1, sizeof(*reports));

    reports->accounts = accounts;
    reports->retry = loop_timer_new(loop, tell_next, reports);
    TAILQ_INIT(&reports->waiting);
    return reports;
}

void
block_reports_free(struct block_reports **reportsp)
{
    struct block_reports *reports = *reportsp;

    if (reports == NULL)
        return;
    while (!TAILQ_EMPTY(&reports->waiting))
        forget(TAILQ_FIRST(&reports->waiting));
    loop_timer_free(&reports->retry);
    xfree(reportsp);
}

void
block_reports_add(struct block_reports *reports, const struct block *block)
{
    struct report *report = xcalloc(1, sizeof(*report));

    if (reports->count == BLOCK_REPORTS_MAX) {
        struct report *oldest = TAILQ_FIRST(&reports->waiting);

        log_event(LOG_WARN, "block_not_kept", KV_SLICE("name", oldest->block.name),
                  KV_STR("reason", "accountd does not take it"));
        forget(oldest);
    }
    report->all = reports;
    report->block = *block;
    report->block.name = slice_of(xslicedup(block->name));
    report->block.reason = slice_of(xslicedup(block->reason));
    TAILQ_INSERT_TAIL(&reports->waiting, report, link);
    reports->count++;
    loop_timer_set(reports->retry, 0);
}

void
block_reports_apply(const struct block_reports *reports, struct block_list *list)
{
    const struct report *report;

    TAILQ_FOREACH(report, &reports->waiting, link)
    (void)block_list_set(list, &report->block);
}
