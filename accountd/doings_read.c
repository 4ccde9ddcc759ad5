/*
 * accountd/doings_read.c - ADMIN: what the recorder knows of users. The asker may be gone when its
 * answer comes.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "accountd/doings.h"
#include "accountd/recorder.h"
#include "lib/account/canonical.h"
#include "lib/account/store_path.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"

enum { CODE_NO_SUCH = 2, CODE_FAILED = 3, DAY_S = 86400, WEEK_DAYS = 7 };
#define REPLY_MAX (RECORDER_DATA_MAX + 8192)

struct asker {
    struct server *server;
    uint64_t peer_id;
    uint32_t request_id;
};

static void
answered(void *arg, const struct slice *data, struct slice cursor)
{
    struct asker *asker = arg;
    struct ipc_peer *peer = server_peer(asker->server, asker->peer_id);
    struct strbuf out = strbuf_new(REPLY_MAX);
    struct accountd_admin_reply reply = {.cursor = cursor};

    if (data != NULL) {
        reply.data = *data;
    } else {
        reply.result = CODE_FAILED;
        reply.text = SLICE("the records cannot be read now: try again");
    }
    if (peer != NULL && accountd_admin_reply_encode(&out, asker->request_id, &reply) == 0)
        ipc_peer_send(peer, &out, -1);
    strbuf_free(&out);
    free(asker);
}

static struct asker *
asker_of(const struct operation *op)
{
    struct asker *asker = xcalloc(1, sizeof(*asker));

    *asker = (struct asker){.server = op->server,
                            .peer_id = ipc_peer_id(op->request->peer),
                            .request_id = op->request->header.request_id};
    return asker;
}

/* `asked`: the recorder has it, and the asker. */
static int
end_ask(struct operation *op, struct asker *asker, bool asked)
{
    op->is_answered_later = asked;
    if (asked)
        return 0;
    free(asker);
    return account_fail(&op->result, CODE_FAILED, "too many ask at once: try again");
}

/* ---- a user's lists ---- */

static int
parse_list(struct operation *op, unsigned *kinds)
{
    static const struct {
        const char *name;
        unsigned kinds;
    } lists[] = {{"", 0},
                 {"sent", 1u << BOOK_SENT},
                 {"received", 1u << BOOK_RECEIVED},
                 {"deleted", 1u << BOOK_DELETED},
                 {"access", 1u << BOOK_LOGIN | 1u << BOOK_REFUSED}};
    struct slice given = operation_field(op, "list");

    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        if (slice_eq(given, slice_of(lists[i].name))) {
            *kinds = lists[i].kinds;
            return 0;
        }
    return account_fail(&op->result, ACCOUNT_BAD_PARAMETER,
                        "list: expected sent, received, deleted or access");
}

int
operation_recent(struct operation *op)
{
    struct account_hit *hit = &op->server->hit;
    struct strbuf path = strbuf_new(ACCOUNT_PATH_MAX);
    struct asker *asker;
    unsigned kinds = 0;
    int rc;

    if (op->kind != ACCOUNT_USER)
        return account_fail(&op->result, ACCOUNT_BAD_PARAMETER, "only a user has such lists");
    if (parse_list(op, &kinds) < 0)
        return -1;
    if (account_find_exact(&op->server->base, op->admin.name, hit) != ACCOUNT_FOUND ||
        hit->entry.kind != ACCOUNT_USER)
        return account_fail(&op->result, CODE_NO_SUCH, "%.*s: no such mailbox",
                            (int)op->admin.name.len, op->admin.name.ptr);
    account_store_path(strbuf_slice(&hit->address), &path);
    asker = asker_of(op);
    rc = end_ask(
        op, asker,
        recorder_ask_list(op->server->recorder, strbuf_cstr(&path), kinds, answered, asker));
    strbuf_free(&path);
    return rc;
}

/* ---- the sums of a domain's users ---- */

/* "2026-11-27" as days since 1970. */
static int
parse_day(struct slice text, uint32_t *day)
{
    uint64_t year, month, date;
    struct tm tm = {0}, back;
    time_t seconds;

    if (text.len != strlen("2026-11-27") || text.ptr[4] != '-' || text.ptr[7] != '-' ||
        parse_u64(slice_sub(text, 0, 4), 9999, &year) < 0 || year < 1970 ||
        parse_u64(slice_sub(text, 5, 7), 12, &month) < 0 ||
        parse_u64(slice_sub(text, 8, 10), 31, &date) < 0)
        return -1;
    tm.tm_year = (int)year - 1900;
    tm.tm_mon = (int)month - 1;
    tm.tm_mday = (int)date;
    seconds = timegm(&tm);
    if (seconds < 0 || gmtime_r(&seconds, &back) == NULL || back.tm_mday != (int)date)
        return -1;
    *day = (uint32_t)(seconds / DAY_S);
    return 0;
}

static int
parse_period(struct operation *op, struct book_period *period)
{
    struct slice given = operation_field(op, "period"), date = operation_field(op, "date");
    uint32_t day = book_day_of(clock_real_ms());

    if (date.len > 0 && parse_day(date, &day) < 0)
        return account_fail(&op->result, ACCOUNT_BAD_PARAMETER,
                            "date: expected a day YYYY-MM-DD, not '%.*s'", (int)date.len, date.ptr);
    *period = (struct book_period){.first_day = day, .last_day = day};
    if (slice_eq(given, SLICE("week"))) { /* ISO 8601: from Monday on; day 0 was a Thursday */
        uint32_t back = (day + 3) % WEEK_DAYS;

        period->first_day = day < back ? 0 : day - back;
        period->last_day = day - back + WEEK_DAYS - 1;
    } else if (slice_eq(given, SLICE("month"))) {
        period->by_month = true;
        period->month = book_month_of_day(day);
    } else if (!slice_eq(given, SLICE("day"))) {
        return account_fail(&op->result, ACCOUNT_BAD_PARAMETER,
                            "period: expected day, week or month");
    }
    return 0;
}

int
operation_sums(struct operation *op)
{
    struct record *record = &op->server->hit.domain;
    struct strbuf domain = strbuf_new(CANONICAL_DOMAIN_MAX);
    struct slice within = operation_field(op, "within");
    struct book_period period;
    struct asker *asker;
    int rc;

    if (op->kind != ACCOUNT_USER)
        return account_fail(&op->result, ACCOUNT_BAD_PARAMETER, "only users have such sums");
    if (parse_period(op, &period) < 0)
        return -1;
    if (within.len == 0 ||
        account_find_domain(&op->server->base, within, record, &domain) != ACCOUNT_FOUND) {
        strbuf_free(&domain);
        return account_fail(&op->result, CODE_NO_SUCH, "'%.*s': no such domain", (int)within.len,
                            within.ptr);
    }
    asker = asker_of(op);
    rc = end_ask(op, asker,
                 recorder_ask_sums(op->server->recorder, strbuf_cstr(&domain), &period,
                                   op->admin.cursor, answered, asker));
    strbuf_free(&domain);
    return rc;
}
