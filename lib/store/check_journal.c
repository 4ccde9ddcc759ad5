/*
 * lib/store/check_journal.c - one folder's journal, index, cache and full-text index.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/store/beneath.h"
#include "lib/store/check_private.h"
#include "lib/store/index_file.h"
#include "lib/store/salvage.h"

#define TRIES 20 /* at what is just being written */
#define TRY_NS 20000000

/* The counters of the last record are those of the messages? */
static bool
figures_agree(const struct view *v)
{
    const struct record_state *s = &v->state;
    uint32_t count = view_count(v);

    return s->count == count && s->unseen == v->unseen && s->bytes == v->bytes &&
           s->recent <= count && (count == 0 || s->uidnext > view_at(v, count)->m.uid);
}

enum journal_state { JOURNAL_WHOLE, JOURNAL_DAMAGED, JOURNAL_CONTRADICTS, JOURNAL_MISCOUNTED };

/* Reads all of it into `v`. */
static enum journal_state
read_journal(const struct journal *j, struct view *v, uint64_t *damage)
{
    enum journal_state state = JOURNAL_DAMAGED;
    uint64_t size;
    bool replaced;

    for (unsigned i = 0; i < TRIES && state == JOURNAL_DAMAGED; i++) {
        if (i > 0)
            (void)nanosleep(&(struct timespec){.tv_nsec = TRY_NS}, NULL); /* shorter is fine */
        view_free(v);
        if (journal_look(j, &size, &replaced) < 0 || view_replay(v, j, size, NULL) < 0) {
            state = errno == EBADMSG ? JOURNAL_CONTRADICTS : JOURNAL_DAMAGED;
            *damage = v->offset;
        } else if (v->offset < size && salvage_record_follows(j, v->offset, size)) {
            *damage = v->offset;
        } else {
            state = figures_agree(v) ? JOURNAL_WHOLE : JOURNAL_MISCOUNTED;
        }
    }
    return state;
}

static void
repair_journal(struct check *c, int dirfd, bool inbox, const char *problem, const char *what)
{
    struct salvage_report r;

    if (!c->options->repair) {
        check_found(c, problem, 0, CHECK_LEFT, "%s", what);
        return;
    }
    if (salvage_journal(&c->store, dirfd, inbox, &r) < 0) {
        check_found(c, problem, 0, CHECK_LEFT, "%s; not repaired: %s", what, strerror(errno));
        return;
    }
    check_found(c, problem, 0,
                r.new_uidvalidity || r.without_file > 0 || (r.skipped > 0 && !r.index_helped)
                    ? CHECK_LOST
                    : CHECK_REPAIRED,
                "%s; written anew with %u messages%s%s%s; the old one is in posthorn.lost", what,
                r.messages, r.index_helped ? ", with the index's help" : "",
                r.adopted > 0 ? ", some under new UIDs" : "",
                r.new_uidvalidity ? ", under a new UIDVALIDITY" : "");
}

/* The index is believed as long as its header fits; here each entry is compared. */
static void
check_index(struct check *c, const struct journal *j, const struct view *by_journal)
{
    struct view v;

    view_init(&v);
    if (index_file_map(&v, j, by_journal->offset) == 0 &&
        (view_replay(&v, j, by_journal->offset, NULL) < 0 || !view_same(&v, by_journal))) {
        bool gone = c->options->repair && unlinkat(j->dirfd, INDEX_NAME, 0) == 0;

        check_found(c, "index_differs", 0, gone ? CHECK_REPAIRED : CHECK_LEFT,
                    "posthorn.index is not what the journal says%s", gone ? "; deleted" : "");
    }
    view_free(&v);
}

static void
check_cache(struct check *c, const struct journal *j)
{
    if (cache_file_check(j->dirfd, j->header.uidvalidity) > 0)
        check_found(c, "cache_damaged", 0,
                    c->options->repair && unlinkat(j->dirfd, CACHE_NAME, 0) == 0 ? CHECK_REPAIRED
                                                                                 : CHECK_NOTE,
                    "some of posthorn.cache is not believed");
}

/* SQLite's first page; the rest is checked page by page by who reads it, and made anew if need be.
 */
static void
check_fulltext(struct check *c, const struct journal *j)
{
    static const char magic[] = "SQLite format 3";
    int fd = beneath_open(j->dirfd, FULLTEXT_NAME, O_RDONLY | O_NONBLOCK, 0);
    char head[sizeof(magic)];
    struct stat st;

    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0 &&
        (pread_exact(fd, head, sizeof(head), 0) < 0 || memcmp(head, magic, sizeof(magic)) != 0))
        check_found(c, "fulltext_damaged", 0,
                    c->options->repair && unlinkat(j->dirfd, FULLTEXT_NAME, 0) == 0 ? CHECK_REPAIRED
                                                                                    : CHECK_NOTE,
                    FULLTEXT_NAME " is no database");
    close_keep_errno(fd);
}

static bool
judge(struct check *c, struct journal *j, bool inbox)
{
    static const struct {
        const char *problem, *what;
    } words[] = {
        [JOURNAL_DAMAGED] = {"journal_damaged", "damaged"},
        [JOURNAL_CONTRADICTS] = {"journal_contradicts", "a record contradicts those before it"},
        [JOURNAL_MISCOUNTED] = {"journal_miscounted", "its last record counts wrong"},
    };
    uint64_t damage = 0;
    enum journal_state state;
    struct view v;

    view_init(&v);
    state = read_journal(j, &v, &damage);
    if (state == JOURNAL_WHOLE) {
        check_index(c, j, &v);
        check_cache(c, j);
        check_fulltext(c, j);
    }
    view_free(&v);
    if (state != JOURNAL_WHOLE) {
        journal_close(j);
        repair_journal(c, j->dirfd, inbox, words[state].problem, words[state].what);
    }
    return state == JOURNAL_WHOLE || state == JOURNAL_MISCOUNTED || c->options->repair;
}

bool
check_journal(struct check *c, struct slice folder)
{
    bool inbox = slice_eq(folder, SLICE("INBOX"));
    int dirfd = folder_open_dir(&c->store, folder);
    struct journal j;
    bool there = false;

    if (dirfd < 0)
        return false; /* removed meanwhile */
    if (journal_open(&j, dirfd, false) == 0) {
        there = judge(c, &j, inbox);
    } else if (errno == EPROTONOSUPPORT) {
        check_found(c, "journal_version", 0, CHECK_LEFT, "of another version of Posthorn");
    } else if (errno == EBADMSG) {
        repair_journal(c, dirfd, inbox, "journal_damaged", "its header is damaged");
        there = c->options->repair;
    } else if (errno != ENOENT) { /* without one it was never used */
        check_found(c, "journal_unreadable", 0, CHECK_LEFT, "%s", strerror(errno));
    }
    journal_close(&j);
    close_keep_errno(dirfd);
    return there;
}
