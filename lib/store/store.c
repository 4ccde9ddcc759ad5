/*
 * lib/store/store.c - one user's store: opening, listing, subscribing, counting.
 *
 * Touches only what is below the mail directory that it was given.
 */
#include "lib/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/store/beneath.h"
#include "lib/store/first_time.h"
#include "lib/store/folder_list.h"
#include "lib/store/folder_name.h"
#include "lib/store/ledger.h"

/* ---- opening ---- */

struct store *
store_open(int dirfd, const struct store_options *options)
{
    struct store *store = xcalloc(1, sizeof(*store));

    store->options = *options;
    store->dirfd = beneath_open_dir(dirfd, ".");
    if (store->dirfd >= 0 &&
        (options->read_only || options->guest != NULL ||
         faccessat(store->dirfd, FOLDERS_NAME, F_OK, 0) == 0 || first_time_make(store) == 0)) {
        store->made = faccessat(store->dirfd, JOURNAL_NAME, F_OK, 0) == 0;
        return store;
    }
    store_close(&store);
    return NULL;
}

void
store_set_quota(struct store *store, uint64_t bytes, uint64_t messages)
{
    store->options.quota_bytes = bytes;
    store->options.quota_messages = messages;
}

void
store_close(struct store **storep)
{
    if (*storep == NULL)
        return;
    close_keep_errno((*storep)->dirfd);
    xfree(storep);
}

/* ---- listing ---- */

int
store_list(struct store *store, void (*each)(void *arg, const struct store_folder *folder),
           void *arg)
{
    struct folder_list list;

    if (folder_list_read(store, &list) < 0)
        return -1;
    for (size_t i = 0; i < list.count; i++) {
        const struct folder_row *row = &list.rows[i];
        struct store_folder folder = {.name = row->name,
                                      .use = row->exists ? row->use : STORE_USE_NONE,
                                      .exists = row->exists,
                                      .subscribed = row->subscribed,
                                      .has_children = row->has_children};

        if (row->exists || row->subscribed || row->has_children)
            each(arg, &folder);
    }
    folder_list_free(&list);
    return 0;
}

static void
set_subscribed(struct folder_row *row, const void *arg)
{
    row->subscribed = *(const bool *)arg;
}

int
store_subscribe(struct store *store, struct slice name, bool on)
{
    struct strbuf canonical = strbuf_new(STORE_NAME_MAX);
    int rc = folder_name_canonical(name, &canonical);

    if (rc == 0 && (store->options.read_only || store->options.guest != NULL)) {
        errno = EACCES;
        rc = -1;
    }
    if (rc == 0)
        rc = folder_list_change(store, strbuf_slice(&canonical), set_subscribed, &on);
    strbuf_free(&canonical);
    return rc;
}

/* ---- use of space ---- */

#define RECOUNT_WAIT_MS 10000

int
store_usage(struct store *store, uint64_t *bytes, uint64_t *messages)
{
    struct record_state state = {0};

    if (!store->options.read_only && !store->ledger_verified)
        (void)ledger_verify(store, 0);                     /* else as they stand */
    if (ledger_read(store, &state) < 0 && errno != ENOENT) /* nobody has used it yet */
        return -1;
    *bytes = state.user_bytes;
    *messages = state.user_messages;
    return 0;
}

int
store_recount(struct store *store, uint64_t *bytes, uint64_t *messages)
{
    struct folder_list list;
    int rc = 0;

    if (folder_list_read(store, &list) < 0)
        return -1;
    *bytes = *messages = 0;
    for (size_t i = 0; i < list.count && rc == 0; i++) {
        struct mailbox_info info;

        if (!list.rows[i].exists)
            continue;
        rc = mailbox_status(store, slice_of(list.rows[i].name), &info);
        if (rc == 0) {
            *bytes += info.bytes;
            *messages += info.count;
        }
    }
    folder_list_free(&list);
    if (rc < 0 || store->options.read_only)
        return rc;
    return ledger_verify(store, RECOUNT_WAIT_MS) < 0 ? -1 : store_usage(store, bytes, messages);
}
