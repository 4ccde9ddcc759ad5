/*
 * lib/store/folder_identity.c - gives a folder that was never used the UIDVALIDITY of another.
 */
#include "lib/store/folder_identity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/store/appender.h"
#include "lib/store/beneath.h"
#include "lib/store/folder.h"
#include "lib/store/ledger.h"

#define NEW_NAME JOURNAL_NAME ".next"
#define RECORD_ROOM 4096

/* Both journals are locked meanwhile: nobody appends to the new one before its name is on disk. */
static int
replace_journal(const struct folder *f, const struct journal_tail *tail, uint32_t uidvalidity)
{
    struct journal_header h = f->journal.header;
    struct record_state state = tail->state;
    struct strbuf record = strbuf_new(RECORD_ROOM);
    struct journal fresh = {.fd = -1};
    int fd = -1, rc;

    h.generation++;
    h.uidvalidity = uidvalidity;
    h.checkpoint_end = 0;
    if (f->inbox && state.last_uidvalidity < uidvalidity)
        state.last_uidvalidity = uidvalidity;
    record_begin(&record, 0, clock_real_ms());
    rc = record_finish(&record, &state, 0);
    if (rc == 0) {
        record_set_mark(&record);
        rc = journal_write_new(f->dirfd, NEW_NAME, &h, strbuf_slice(&record));
    }
    if (rc == 0)
        fd = beneath_open(f->dirfd, NEW_NAME, O_RDWR, 0);
    if (fd < 0 || journal_adopt_fd(&fresh, f->dirfd, fd, true) < 0 ||
        journal_lock_unnamed(&fresh) < 0 ||
        renameat(f->dirfd, NEW_NAME, f->dirfd, JOURNAL_NAME) < 0 || fsync(f->dirfd) < 0)
        rc = -1;
    journal_close(&fresh);
    strbuf_free(&record);
    return rc;
}

int
folder_identity_set(struct store *store, struct slice folder, uint32_t uidvalidity)
{
    struct journal_tail tail;
    struct folder f;
    int rc;

    if (uidvalidity == 0 || ledger_note_uidvalidity(store, uidvalidity) < 0 ||
        folder_open(&f, store, folder) < 0)
        return -1;
    rc = journal_lock_current(&f.journal);
    if (rc == 0)
        rc = journal_tail_read(&f.journal, &tail);
    if (rc == 0 && (tail.state.uidnext > 1 || tail.state.count > 0 || tail.unsettled))
        rc = 1;
    else if (rc == 0 && f.journal.header.uidvalidity != uidvalidity)
        rc = replace_journal(&f, &tail, uidvalidity);
    folder_close(&f);
    return rc;
}

int
folder_identity_uidnext(struct store *store, struct slice folder, uint32_t uidnext)
{
    struct appender a;
    struct folder f;
    int rc;

    if (uidnext >= UID_KEPT_MAX)
        return 0;
    if (folder_open(&f, store, folder) < 0)
        return -1;
    rc = appender_begin(&a, &f.journal, f.inbox, 0);
    if (rc == 0 && a.state.uidnext >= uidnext) {
        appender_abort(&a);
    } else if (rc == 0) {
        a.state.uidnext = uidnext;
        rc = appender_commit(&a);
        if (rc == 0)
            rc = journal_flush(&f.journal);
    }
    folder_close(&f);
    return rc;
}
