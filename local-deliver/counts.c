/*
 * local-deliver/counts.c - how many messages are in a user's standard folders (ADM-36).
 *
 * The child reads journals and indexes of one mailbox, and no message; it changes nothing: what
 * another program has put into a folder's new/ counts from the next session on.
 */
#include "local-deliver/counts.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"
#include "lib/store/mailbox.h"
#include "local-deliver/jail.h"
#include "local-deliver/user_dir.h"

/* By their use: an administrator's store may call them otherwise. */
static const enum store_use uses[STORE_COUNT_FOLDERS] = {
    [STORE_COUNT_INBOX] = STORE_USE_NONE,    [STORE_COUNT_SENT] = STORE_USE_SENT,
    [STORE_COUNT_DRAFTS] = STORE_USE_DRAFTS, [STORE_COUNT_TRASH] = STORE_USE_TRASH,
    [STORE_COUNT_JUNK] = STORE_USE_JUNK,
};

struct names {
    char *of[STORE_COUNT_FOLDERS]; /* NULL: there is no such folder */
};

static void
take_folder(void *arg, const struct store_folder *folder)
{
    struct names *names = arg;

    for (size_t i = STORE_COUNT_INBOX + 1; i < STORE_COUNT_FOLDERS; i++)
        if (folder->exists && folder->use == uses[i] && names->of[i] == NULL)
            names->of[i] = xstrdup(folder->name);
}

/* 0, or -1 with errno. A folder that is removed at this moment has nothing. */
static int
count(struct store *store, const char *name, struct store_folder_count *out)
{
    struct mailbox_info info;

    if (name == NULL)
        return 0;
    if (mailbox_status(store, slice_of(name), &info) < 0)
        return errno == ENOENT ? 0 : -1;
    *out = (struct store_folder_count){.unseen = info.unseen, .total = info.count};
    return 0;
}

static int
count_all(int mail_fd, struct store_folder_count counts[STORE_COUNT_FOLDERS])
{
    const struct store_options options = {.read_only = true};
    struct names names = {.of = {[STORE_COUNT_INBOX] = xstrdup("INBOX")}};
    struct store *store = store_open(mail_fd, &options);
    int rc = store == NULL ? -1 : store_list(store, take_folder, &names);

    for (size_t i = 0; i < STORE_COUNT_FOLDERS; i++) {
        if (rc == 0)
            rc = count(store, names.of[i], &counts[i]);
        free(names.of[i]);
    }
    store_close(&store);
    return rc;
}

void
counts_serve(const struct daemon *d, const struct store_dirs *dirs, struct slice path,
             int result_fd)
{
    struct store_ctl_reply reply = {0};
    int mail_fd = user_dir_open(dirs, path);

    if (mail_fd < 0)
        reply.error = errno == ENOENT ? 0 : (uint32_t)errno; /* no directory yet: nothing in it */
    else if (jail_enter(d, mail_fd, (const int[]){result_fd}, 1) < 0)
        reply.error = EIO;
    else if (count_all(mail_fd, reply.counts) < 0)
        reply.error = (uint32_t)errno;
    log_flush();
    (void)write_all(result_fd, slice_make(&reply, sizeof(reply))); /* nobody is left to tell */
}
