/*
 * lib/store/store_recount.c - counts what a user holds and corrects the ledger.
 *
 * The ledger follows the folders by one step: whoever changes a folder other than INBOX adds to the
 * ledger right afterwards, without a lock over both. So one look cannot tell drift from a change
 * that is under way. A difference that two looks with a pause between them both see is drift, and
 * it is taken out by an addition, which disturbs nobody else's.
 */
#include <errno.h>
#include <time.h>

#include "lib/store/folder_list.h"
#include "lib/store/mailbox.h"

enum {
    LOOKS_MAX = 100,       /* until the ledger stands still during one count */
    DIFFERENCES_MAX = 10,  /* until two looks agree */
    PAUSE_BETWEEN_MS = 500 /* longer than a change takes from the folder to the ledger */
};

struct totals {
    uint64_t bytes, messages;
};

struct look {
    struct totals counted;
    int64_t bytes_over, messages_over; /* what the ledger has too much */
};

static int
count_folders(struct store *store, struct totals *out)
{
    struct folder_list list;
    int rc = folder_list_read(store, &list);

    *out = (struct totals){0};
    if (rc < 0)
        return -1;
    for (size_t i = 0; i < list.count && rc == 0; i++) {
        struct mailbox_info info;

        if (!list.rows[i].exists)
            continue;
        rc = mailbox_status(store, slice_of(list.rows[i].name), &info);
        if (rc == 0) {
            out->bytes += info.bytes;
            out->messages += info.count;
        } else if (errno == ENOENT) {
            rc = 0; /* removed since the list was read: the ledger will tell */
        }
    }
    folder_list_free(&list);
    return rc;
}

/* One count during which the ledger did not move. */
static int
look_once(struct store *store, struct look *look)
{
    struct totals before, after;

    for (int i = 0; i < LOOKS_MAX; i++) {
        if (store_usage(store, &before.bytes, &before.messages) < 0 ||
            count_folders(store, &look->counted) < 0 ||
            store_usage(store, &after.bytes, &after.messages) < 0)
            return -1;
        if (before.bytes != after.bytes || before.messages != after.messages)
            continue;
        look->bytes_over = (int64_t)(after.bytes - look->counted.bytes);
        look->messages_over = (int64_t)(after.messages - look->counted.messages);
        return 0;
    }
    errno = EBUSY;
    return -1;
}

static bool
is_right(const struct look *look)
{
    return look->bytes_over == 0 && look->messages_over == 0;
}

/* 0: no difference, or the ledger is corrected. */
static int
settle_difference(struct store *store, struct look *look)
{
    static const struct timespec pause = {.tv_nsec = PAUSE_BETWEEN_MS * 1000000L};

    for (int i = 0; i < DIFFERENCES_MAX; i++) {
        struct look earlier = *look;

        if (is_right(look))
            return 0;
        (void)nanosleep(&pause, NULL); /* shorter only makes another look likelier */
        if (look_once(store, look) < 0)
            return -1;
        if (!is_right(look) && look->bytes_over == earlier.bytes_over &&
            look->messages_over == earlier.messages_over)
            return ledger_add(store, -look->bytes_over, -look->messages_over);
    }
    errno = EBUSY;
    return -1;
}

int
store_recount(struct store *store, uint64_t *bytes, uint64_t *messages)
{
    struct look look = {0};
    int rc = look_once(store, &look);

    if (rc == 0 && !store->options.read_only)
        rc = settle_difference(store, &look);
    *bytes = look.counted.bytes;
    *messages = look.counted.messages;
    return rc;
}
