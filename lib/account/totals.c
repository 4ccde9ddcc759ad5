/*
 * lib/account/totals.c - what a domain has given out. Reads and changes the account base, nothing
 * else.
 */
#include "lib/account/totals.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "lib/account/canonical.h"
#include "lib/account/edit_internal.h"
#include "lib/base/mem.h"
#include "lib/ipc/frame.h"

#define ROW_MAX 128

struct totals_share
totals_share_of(const struct record *user)
{
    uint64_t mailbox = record_u64(user, USER_QUOTA_BYTES);
    uint64_t netdisk = record_u64(user, USER_NETDISK_BYTES);
    bool has_netdisk = record_bool(user, USER_NETDISK);

    return (struct totals_share){.mailboxes = 1,
                                 .mailbox_bytes = mailbox,
                                 .mailbox_unlimited = mailbox == 0,
                                 .netdisk_bytes = has_netdisk ? netdisk : 0,
                                 .netdisk_unlimited = has_netdisk && netdisk == 0};
}

static void
sum_move(struct totals_sum *sum, uint64_t from, uint64_t to)
{
    uint64_t low = sum->low;

    sum->low += to - from; /* modulo 2^64: what is carried or borrowed is seen behind */
    if (to >= from)
        sum->high += sum->low < low;
    else
        sum->high -= sum->low > low;
}

uint64_t
totals_number(struct totals_sum sum)
{
    return sum.high > 0 ? UINT64_MAX : sum.low;
}

static void
totals_move(struct account_totals *totals, struct totals_share before, struct totals_share after)
{
    totals->mailboxes += after.mailboxes - before.mailboxes;
    sum_move(&totals->mailbox_bytes, before.mailbox_bytes, after.mailbox_bytes);
    sum_move(&totals->netdisk_bytes, before.netdisk_bytes, after.netdisk_bytes);
}

/* ---- rows ---- */

int
account_totals_get(struct account_base *base, struct slice domain, struct account_totals *totals)
{
    struct slice row;
    struct reader r;

    *totals = (struct account_totals){0};
    if (account_db_get(base->db, ACCOUNT_TABLE_TOTALS, domain, &row) < 0)
        return errno == ENOENT ? 0 : -1;
    r = reader_begin(row);
    totals->mailboxes = reader_u64(&r);
    totals->mailbox_bytes.high = reader_u64(&r);
    totals->mailbox_bytes.low = reader_u64(&r);
    totals->netdisk_bytes.high = reader_u64(&r);
    totals->netdisk_bytes.low = reader_u64(&r);
    if (reader_end(&r) == 0)
        return 0;
    errno = EBADMSG;
    return -1;
}

static int
put(struct account_base *base, struct slice domain, const struct account_totals *totals)
{
    struct strbuf row = strbuf_new(ROW_MAX);
    struct writer w = {.out = &row};
    int rc;

    if (totals->mailboxes == 0) {
        rc = account_db_del(base->db, ACCOUNT_TABLE_TOTALS, domain);
        return rc < 0 && errno != ENOENT ? -1 : 0;
    }
    writer_u64(&w, totals->mailboxes);
    writer_u64(&w, totals->mailbox_bytes.high);
    writer_u64(&w, totals->mailbox_bytes.low);
    writer_u64(&w, totals->netdisk_bytes.high);
    writer_u64(&w, totals->netdisk_bytes.low);
    rc = account_db_put(base->db, ACCOUNT_TABLE_TOTALS, domain, strbuf_slice(&row));
    strbuf_free(&row);
    return rc;
}

/* ---- the limits ---- */

/* One kind of room: what a mailbox had of it and is to have, what all have then, and what they may.
 */
struct room {
    const char *property, *limit_name;
    uint64_t before, after, limit;
    bool was_unlimited, is_unlimited;
    struct totals_sum sum;
};

static int
check_room(struct account_edit *edit, struct slice domain, const struct room *room, uint32_t code)
{
    struct totals_sum others = room->sum;

    if (room->limit == 0)
        return 0;
    if (room->is_unlimited && !room->was_unlimited)
        return account_fail(
            edit->result, code,
            "%s = 0 (unlimited) cannot be in %.*s, whose %s is %" PRIu64 ": give a number of bytes",
            room->property, (int)domain.len, domain.ptr, room->limit_name, room->limit);
    if (room->was_unlimited || room->after <= room->before)
        return 0;
    if (room->sum.high == 0 && room->sum.low <= room->limit)
        return 0;
    sum_move(&others, room->after, 0);
    return account_fail(edit->result, code,
                        "%s: %" PRIu64 " bytes do not fit: %s of %.*s is %" PRIu64
                        ", and the others have %" PRIu64,
                        room->property, room->after, room->limit_name, (int)domain.len, domain.ptr,
                        room->limit, totals_number(others));
}

static int
check_min(struct account_edit *edit, struct slice domain, const struct record *record,
          struct totals_share before, struct totals_share after)
{
    uint64_t min = record_u64(record, DOMAIN_MIN_QUOTA);

    if (min == 0)
        min = TOTALS_QUOTA_MIN;
    if (after.mailboxes == 0 || after.mailbox_unlimited || after.mailbox_bytes >= min ||
        (before.mailboxes > 0 && before.mailbox_bytes == after.mailbox_bytes))
        return 0;
    return account_fail(edit->result, ACCOUNT_BAD_PARAMETER,
                        "quota_bytes: a mailbox of %.*s has to have at least %" PRIu64
                        " bytes (min_quota_bytes of the domain)",
                        (int)domain.len, domain.ptr, min);
}

static int
check(struct account_edit *edit, struct slice domain, const struct record *record,
      struct totals_share before, struct totals_share after, const struct account_totals *totals,
      struct totals_codes codes)
{
    uint64_t max = record_u64(record, DOMAIN_MAX_MAILBOXES);
    const struct room mailbox = {"quota_bytes",
                                 "max_mailbox_bytes",
                                 before.mailbox_bytes,
                                 after.mailbox_bytes,
                                 record_u64(record, DOMAIN_MAX_MAILBOX_BYTES),
                                 before.mailbox_unlimited,
                                 after.mailbox_unlimited,
                                 totals->mailbox_bytes};
    const struct room netdisk = {"netdisk_bytes",
                                 "max_netdisk_bytes",
                                 before.netdisk_bytes,
                                 after.netdisk_bytes,
                                 record_u64(record, DOMAIN_MAX_NETDISK_BYTES),
                                 before.netdisk_unlimited,
                                 after.netdisk_unlimited,
                                 totals->netdisk_bytes};

    if (max != 0 && after.mailboxes > before.mailboxes && totals->mailboxes > max)
        return account_fail(edit->result, codes.number,
                            "%.*s has as many mailboxes as it may: max_mailboxes is %" PRIu64,
                            (int)domain.len, domain.ptr, max);
    if (check_min(edit, domain, record, before, after) < 0 ||
        check_room(edit, domain, &mailbox, codes.storage) < 0)
        return -1;
    return check_room(edit, domain, &netdisk, codes.storage);
}

int
edit_totals_change(struct account_edit *edit, struct slice domain, const struct record *record,
                   struct totals_share before, struct totals_share after, struct totals_codes codes)
{
    struct account_totals totals;

    if (account_totals_get(edit->base, domain, &totals) < 0)
        return account_fail_db(edit->result);
    totals_move(&totals, before, after);
    if (!edit->restoring && check(edit, domain, record, before, after, &totals, codes) < 0)
        return -1;
    return put(edit->base, domain, &totals) < 0 ? account_fail_db(edit->result) : 0;
}

int
edit_totals_rename(struct account_edit *edit, struct slice old_name, struct slice new_name)
{
    const struct account_totals none = {0};
    struct account_totals totals;

    if (account_totals_get(edit->base, old_name, &totals) < 0 ||
        put(edit->base, old_name, &none) < 0 || put(edit->base, new_name, &totals) < 0)
        return account_fail_db(edit->result);
    return 0;
}

/* ---- from the beginning ---- */

struct counted {
    struct strbuf domain;
    struct account_totals totals;
};
struct count {
    struct counted *domains; /* in the order of their names, as their mailboxes come */
    size_t used;
};

static struct counted *
counted_of(struct count *count, struct slice domain)
{
    struct counted *last = count->used == 0 ? NULL : &count->domains[count->used - 1];

    if (last != NULL && slice_eq(strbuf_slice(&last->domain), domain))
        return last;
    count->domains =
        xreallocarray(count->domains, count->used + 1, sizeof(*count->domains)); /* few */
    last = &count->domains[count->used++];
    *last = (struct counted){.domain = strbuf_new(CANONICAL_DOMAIN_MAX)};
    (void)strbuf_append(&last->domain, domain);
    return last;
}

static int
count_mailboxes(struct account_base *base, struct count *count)
{
    struct account_rows *rows =
        account_db_rows(base->db, ACCOUNT_TABLE_ENTRIES, SLICE(""), SLICE(""));
    struct record record = record_new(ACCOUNT_USER);
    const struct totals_share none = {0};
    struct slice key, value;
    int rc = -1;

    while (rows != NULL && (rc = account_rows_next(rows, &key, &value)) == 1) {
        if (record_load(&record, value) == 0 && record.kind == ACCOUNT_USER) /* or damaged */
            totals_move(&counted_of(count, slice_split(&key, '\0'))->totals, none,
                        totals_share_of(&record));
    }
    account_rows_close(&rows);
    record_free(&record);
    return rc;
}

static bool
is_stored(struct account_base *base, const struct counted *counted)
{
    const struct account_totals *is = &counted->totals;
    struct account_totals was;

    return account_totals_get(base, strbuf_slice(&counted->domain), &was) == 0 &&
           was.mailboxes == is->mailboxes && was.mailbox_bytes.high == is->mailbox_bytes.high &&
           was.mailbox_bytes.low == is->mailbox_bytes.low &&
           was.netdisk_bytes.high == is->netdisk_bytes.high &&
           was.netdisk_bytes.low == is->netdisk_bytes.low;
}

static bool
has_counted(const struct count *count, struct slice domain)
{
    for (size_t i = 0; i < count->used; i++)
        if (slice_eq(strbuf_slice(&count->domains[i].domain), domain))
            return true;
    return false;
}

/* In a transaction. A domain whose mailboxes all went has no row. */
static int
correct(struct account_edit *edit, const struct count *count)
{
    const struct account_totals none = {0};
    struct edit_rows rows;
    int wrong = 0, rc = edit_collect(edit, ACCOUNT_TABLE_TOTALS, SLICE(""), &rows);

    for (size_t i = 0; i < rows.count && rc == 0; i++)
        if (!has_counted(count, edit_key(&rows.rows[i]))) {
            rc = put(edit->base, edit_key(&rows.rows[i]), &none);
            wrong++;
        }
    edit_rows_free(&rows);
    for (size_t i = 0; i < count->used && rc == 0; i++)
        if (!is_stored(edit->base, &count->domains[i])) {
            rc =
                put(edit->base, strbuf_slice(&count->domains[i].domain), &count->domains[i].totals);
            wrong++;
        }
    return rc < 0 ? -1 : wrong;
}

int
account_totals_recount(struct account_base *base)
{
    struct account_result result = account_result_new(); /* errno says it */
    struct account_edit edit = {.base = base, .result = &result};
    struct count count = {0};
    int wrong = count_mailboxes(base, &count);

    if (wrong == 0 && (wrong = account_db_begin(base->db)) == 0) {
        wrong = correct(&edit, &count);
        if (wrong <= 0)
            account_db_abort(base->db);
        else if (account_db_commit(base->db) < 0)
            wrong = -1;
    }
    for (size_t i = 0; i < count.used; i++)
        strbuf_free(&count.domains[i].domain);
    free(count.domains);
    account_result_free(&result);
    return wrong;
}
