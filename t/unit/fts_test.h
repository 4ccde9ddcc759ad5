/*
 * t/unit/fts_test.h - a folder of messages in many languages, its index, and the check that no
 * match is missed.
 */
#ifndef POSTHORN_T_UNIT_FTS_TEST_H
#define POSTHORN_T_UNIT_FTS_TEST_H

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "lib/fts/fts.h"
#include "lib/mail/casemap.h"
#include "lib/mail/text_search.h"
#include "t/unit/scratch.h"
#include "t/unit/search_messages.h"

#define INDEX "posthorn.fts"
#define UIDVALIDITY 1700000000u

enum { KINDS = ARRAY_LEN(search_messages), NEEDLES = ARRAY_LEN(search_needles) };

static struct fts_folder folder;
static int dir_fd = -1;

static inline void
begin(void)
{
    ck_assert_ptr_nonnull(scratch_make());
    dir_fd = open(scratch_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(dir_fd, 0);
    folder = (struct fts_folder){.dirfd = dir_fd, .uidvalidity = UIDVALIDITY};
}

static inline void
end(void)
{
    (void)close(dir_fd);
    scratch_remove();
}

/* ---- a folder: only odd UIDs exist ---- */

static inline size_t
kind_of(uint32_t uid)
{
    return uid / 2 % KINDS;
}

static inline int
add(struct fts *fts, uint32_t uid, struct slice text)
{
    struct mime m;
    int rc;

    mime_parse(text, &m);
    rc = fts_add(fts, uid, &m);
    mime_free(&m);
    return rc;
}

/* One session's work: what is new up to `last`, as one batch. 0, or -1. */
static inline int
try_index_up_to(uint32_t last)
{
    struct fts *fts = fts_open(&folder, FTS_WRITE);
    int rc = 0;

    if (fts == NULL)
        return -1;
    for (uint32_t uid = fts_last_uid(fts) + 1; rc == 0 && uid <= last; uid++)
        if (uid % 2 == 1)
            rc = add(fts, uid, slice_of(search_messages[kind_of(uid)].text));
    if (rc == 0)
        rc = fts_commit(fts);
    fts_close(&fts);
    return rc;
}

static inline void
index_up_to(uint32_t last)
{
    ck_assert_int_eq(try_index_up_to(last), 0);
}

static inline bool
is_candidate(const struct fts_uids *uids, uint32_t uid)
{
    for (size_t i = 0; i < uids->count; i++)
        if (uids->uids[i] == uid)
            return true;
    return false;
}

static inline enum fts_answer
ask(struct fts *fts, const char *needle, struct fts_uids *uids)
{
    struct strbuf folded = strbuf_new(100000);
    enum fts_answer answer;

    ck_assert(casemap_text(slice_of(needle), &folded));
    answer = fts_query(fts, strbuf_slice(&folded), uids);
    strbuf_free(&folded);
    for (size_t i = 1; i < uids->count; i++)
        ck_assert_uint_lt(uids->uids[i - 1], uids->uids[i]);
    return answer;
}

static inline bool
matches(size_t kind, const char *needle)
{
    struct strbuf folded = strbuf_new(1000);
    struct mime m;
    bool found;

    ck_assert(casemap_text(slice_of(needle), &folded));
    mime_parse(slice_of(search_messages[kind].text), &m);
    found = text_search_message(&m, strbuf_slice(&folded), true);
    mime_free(&m);
    strbuf_free(&folded);
    return found;
}

/* Asks for every needle; returns how many answers there were (the rest is to be scanned). */
static inline unsigned
check_answers(void)
{
    struct fts *fts = fts_open(&folder, FTS_READ);
    unsigned answers = 0;

    for (size_t i = 0; fts != NULL && i < NEEDLES; i++) {
        struct fts_uids uids;

        if (ask(fts, search_needles[i], &uids) == FTS_CANDIDATES) {
            answers++;
            for (uint32_t uid = 1; uid <= fts_last_uid(fts); uid += 2)
                ck_assert_msg(!matches(kind_of(uid), search_needles[i]) || is_candidate(&uids, uid),
                              "uid %u, %s", uid, search_needles[i]);
        }
        free(uids.uids);
    }
    fts_close(&fts);
    return answers;
}

static inline uint32_t
last_uid(void)
{
    struct fts *fts = fts_open(&folder, FTS_READ);
    uint32_t last = fts == NULL ? 0 : fts_last_uid(fts);
    fts_close(&fts);
    return last;
}

#endif
