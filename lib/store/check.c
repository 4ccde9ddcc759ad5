/*
 * lib/store/check.c - looks whether a user's store is whole: folder by folder, then the totals.
 *
 * Trusts nothing below the mail directory.
 */
#include "lib/store/check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/store/beneath.h"
#include "lib/store/check_private.h"
#include "lib/store/expunged.h"
#include "lib/store/folder_list.h"
#include "lib/store/ledger.h"

#define LEDGER_WAIT_MS 10000
#define DETAIL_SIZE 256

void
check_found(struct check *c, const char *problem, uint32_t uid, enum check_outcome outcome,
            const char *format, ...)
{
    char detail[DETAIL_SIZE];
    const struct check_finding finding = {
        .folder = c->folder, .problem = problem, .detail = detail, .uid = uid, .outcome = outcome};
    va_list args;

    va_start(args, format);
    (void)vsnprintf(detail, sizeof(detail), format, args); /* cut to what fits */
    va_end(args);
    c->totals->found[outcome]++;
    if (c->options->found != NULL)
        c->options->found(c->options->arg, &finding);
}

static int
check_folder(struct check *c, const char *name)
{
    c->folder = name;
    c->totals->folders++;
    check_annotations(c, slice_of(name));
    if (!check_journal(c, slice_of(name)) || check_messages(c, slice_of(name)) == 0)
        return 0;
    if (errno != ENOENT) /* removed meanwhile */
        check_found(c, "folder_unreadable", 0, CHECK_LEFT, "%s", strerror(errno));
    return 0;
}

/* Sessions count again by themselves before it matters. */
static void
check_totals(struct check *c)
{
    struct record_state recorded, counted;

    c->folder = "";
    if (ledger_compare(&c->store, LEDGER_WAIT_MS, &recorded, &counted) < 0) {
        if (errno != ENOENT && errno != EBUSY)
            check_found(c, "totals_unreadable", 0, CHECK_LEFT, "%s", strerror(errno));
        return;
    }
    if (recorded.user_bytes == counted.user_bytes &&
        recorded.user_messages == counted.user_messages)
        return;
    check_found(c, "totals_differ", 0,
                c->options->repair && ledger_verify(&c->store, LEDGER_WAIT_MS) == 0 ? CHECK_REPAIRED
                                                                                    : CHECK_NOTE,
                "%llu bytes in %llu messages recorded, %llu in %llu counted",
                (unsigned long long)recorded.user_bytes, (unsigned long long)recorded.user_messages,
                (unsigned long long)counted.user_bytes, (unsigned long long)counted.user_messages);
}

int
store_check(int dirfd, const struct check_options *options, struct check_totals *totals)
{
    struct check c = {.store = {.options = {.read_only = !options->repair,
                                            .may_remove = true,
                                            .undelete_days = options->undelete_days},
                                .ledger_verified = true}, /* looked at in the end */
                      .options = options,
                      .totals = totals,
                      .began_ms = clock_mono_ms()};
    struct folder_list list;
    int rc = 0;

    *totals = (struct check_totals){0};
    c.store.dirfd = beneath_open_dir(dirfd, "."); /* for locks of our own */
    if (c.store.dirfd < 0)
        return -1;
    if (folder_list_read(&c.store, &list) == 0) {
        for (size_t i = 0; i < list.count && rc == 0; i++)
            if (list.rows[i].exists)
                rc = check_folder(&c, list.rows[i].name);
        folder_list_free(&list);
        check_private_annotations(&c);
        check_totals(&c);
        if (options->repair)
            expunged_sweep(&c.store, UINT32_MAX);
    } else {
        rc = -1;
    }
    check_copies_free(&c);
    close_keep_errno(c.store.dirfd);
    return rc;
}
