/*
 * posthorn/store_undelete.c - `store undelete`: lists expunged messages and puts them back.
 *
 * The child reads header sections of mail: hostile text, decoded by lib/mail.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/mail/casemap.h"
#include "lib/mail/date.h"
#include "lib/mail/encoded_word.h"
#include "lib/mail/header.h"
#include "lib/mail/header_text.h"
#include "lib/store/undelete.h"
#include "posthorn/store_commands.h"
#include "posthorn/store_job.h"

#define HEADER_READ ((size_t)65536) /* bytes of a message that are looked at */
#define SHOWN_MAX 200               /* bytes of a subject */
#define SINCE_MAX_MS (INT64_C(36500) * 24 * 3600 * 1000)

static const struct column columns[] = {
    {"folder", COLUMN_TEXT, false}, {"expunged", COLUMN_TEXT, false},
    {"date", COLUMN_TEXT, false},   {"size", COLUMN_NUMBER, false},
    {"from", COLUMN_TEXT, false},   {"subject", COLUMN_TEXT, false},
    {"email_id", COLUMN_TEXT, true}};

struct undeleting {
    const char *folder, *from, *subject; /* NULL: any */
    struct strbuf from_folded, subject_folded;
    int64_t since_ms;
    bool put_back;
    const struct store_user *user;
    bool no_quota;
    uint32_t undelete_days;
    struct table *table;
    size_t found;
    struct store_job_output *out; /* in the child */
};

/* ---- the child ---- */

/* A field for people: decoded, on one line, cut. */
static void
show_field(struct slice header, const char *name, struct strbuf *out)
{
    struct strbuf line = strbuf_new(HEADER_READ), text = strbuf_new(4 * HEADER_READ);
    struct header_field field;
    struct slice shown;

    if (header_find(header, name, &field) && header_unfold(field.body, &line)) {
        (void)encoded_word_decode(strbuf_slice(&line), &text); /* what does not fit is cut */
        shown = strbuf_slice(&text);
        while (shown.len > 0 && shown.ptr[0] == ' ')
            shown = slice_sub(shown, 1, shown.len);
        (void)strbuf_append(out, slice_sub(shown, 0, SHOWN_MAX));
    }
    strbuf_free(&line);
    strbuf_free(&text);
}

static bool
is_wanted(const struct undeleting *u, const struct expunged_message *e, struct slice header)
{
    struct strbuf text = strbuf_new(HEADER_TEXT_MAX);
    bool wanted = true;

    if ((u->folder != NULL && strcmp(u->folder, e->folder) != 0) || e->expunged_ms < u->since_ms)
        return false;
    if (u->from != NULL || u->subject != NULL) {
        header_text_write(header, HEADER_TEXT_COMMON, &text);
        wanted = (u->from == NULL || header_text_contains(strbuf_slice(&text), SLICE("from"),
                                                          strbuf_slice(&u->from_folded))) &&
                 (u->subject == NULL || header_text_contains(strbuf_slice(&text), SLICE("subject"),
                                                             strbuf_slice(&u->subject_folded)));
    }
    strbuf_free(&text);
    return wanted;
}

static void
tell(const struct undeleting *u, const struct expunged_message *e, struct slice header)
{
    struct strbuf expunged = strbuf_new(40), date = strbuf_new(40), size = strbuf_new(24);
    struct strbuf from = strbuf_new(SHOWN_MAX), subject = strbuf_new(SHOWN_MAX);

    (void)clock_rfc3339(e->expunged_ms, &expunged); /* these fit */
    (void)clock_rfc3339(e->m.internal_ms, &date);
    (void)strbuf_u64(&size, e->m.size);
    show_field(header, "from", &from);
    show_field(header, "subject", &subject);
    store_job_row(u->out,
                  (struct object_field[]){{SLICE("folder"), slice_of(e->folder)},
                                          {SLICE("expunged"), strbuf_slice(&expunged)},
                                          {SLICE("date"), strbuf_slice(&date)},
                                          {SLICE("size"), strbuf_slice(&size)},
                                          {SLICE("from"), strbuf_slice(&from)},
                                          {SLICE("subject"), strbuf_slice(&subject)},
                                          {SLICE("email_id"), slice_of(e->email_id)}},
                  ARRAY_LEN(columns));
    strbuf_free(&expunged);
    strbuf_free(&date);
    strbuf_free(&size);
    strbuf_free(&from);
    strbuf_free(&subject);
}

static int
judge(void *arg, const struct expunged_message *e)
{
    const struct undeleting *u = arg;
    size_t want = e->m.size < HEADER_READ ? (size_t)e->m.size : HEADER_READ;
    char *buf = xmalloc(HEADER_READ);
    struct slice header = slice_make(buf, want);
    bool wanted = false;

    if (pread_exact(e->fd, buf, want, 0) == 0) {
        size_t section = header_section_len(header, 0);

        header = slice_sub(header, 0, section == 0 ? want : section);
        wanted = is_wanted(u, e, header);
        if (wanted)
            tell(u, e, header);
    }
    xfree(&buf);
    return wanted && u->put_back ? 1 : 0;
}

static int
work(void *arg, int mail_fd, int other_fd, struct store_job_output *out)
{
    struct undeleting *u = arg;
    const struct store_options options = {.read_only = !u->put_back,
                                          .may_remove = true,
                                          .undelete_days = u->undelete_days,
                                          .quota_bytes = u->no_quota ? 0 : u->user->quota_bytes,
                                          .quota_messages =
                                              u->no_quota ? 0 : u->user->quota_messages};
    struct store *store = store_open(mail_fd, &options);
    int64_t put_back;

    (void)other_fd;
    if (store == NULL)
        return -1;
    u->out = out;
    put_back = store_undelete(store, judge, u);
    store_close(&store);
    if (put_back >= 0)
        return 0;
    return errno == EDQUOT
               ? store_job_fail(out, "over quota; --no-quota puts them back all the same")
               : -1;
}

/* ---- the parent ---- */

static void
take(void *arg, const struct object_field *fields, uint32_t count)
{
    struct undeleting *u = arg;

    u->found++;
    table_add(u->table, fields, count);
}

static int
run(struct cli *cli, const struct conf *conf, struct undeleting *u)
{
    const struct store_job job = {
        .work = work, .row = take, .arg = u, .other_fd = -1, .missing_is_fine = true};
    int rc;

    u->table = table_new(columns, ARRAY_LEN(columns));
    u->found = 0;
    rc = store_job_run(cli, conf, u->user, &job);
    table_print(&u->table, cli->json);
    return rc;
}

/* "2026-11-26", or how long ago: "2h". */
static int
parse_since(const char *text, int64_t *since_ms)
{
    uint64_t ago;
    int64_t days;

    if (strlen(text) == 10 && text[4] == '-' && text[7] == '-') {
        struct slice rest = slice_of(text);
        uint64_t year, month, day;

        if (parse_u64(slice_split(&rest, '-'), 9999, &year) < 0 ||
            parse_u64(slice_split(&rest, '-'), 12, &month) < 0 || parse_u64(rest, 31, &day) < 0 ||
            month == 0 || day == 0)
            return -1;
        days = date_days((int)year, (int)month, (int)day);
        *since_ms = days * 24 * 3600 * 1000;
        return 0;
    }
    if (parse_duration_ms(slice_of(text), SINCE_MAX_MS, &ago) < 0)
        return -1;
    *since_ms = clock_real_ms() - (int64_t)ago;
    return 0;
}

static int
undelete(struct cli *cli, const struct conf *conf, struct undeleting *u, bool list, bool yes)
{
    char question[64];
    int rc = CLI_OK;

    u->put_back = yes;
    rc = run(cli, conf, u);
    if (rc != CLI_OK || list || yes || u->found == 0)
        return rc;
    (void)snprintf(question, sizeof(question), "Put these %zu messages back?", u->found);
    if (!isatty(STDIN_FILENO))
        return cli_fail(cli, "nothing was put back: give --yes for that, or --list");
    u->put_back = true;
    return cli_confirm(question) ? run(cli, conf, u) : CLI_FAILED;
}

int
store_cmd_undelete(struct cli *cli, int argc, char **argv)
{
    const char *user = NULL, *since = NULL;
    struct undeleting u = {.from_folded = strbuf_new(4096), .subject_folded = strbuf_new(4096)};
    bool list = false, yes = false;
    const struct cli_option options[] = {
        {"--user", CLI_TEXT, &user},         {"--folder", CLI_TEXT, &u.folder},
        {"--since", CLI_TEXT, &since},       {"--from", CLI_TEXT, &u.from},
        {"--subject", CLI_TEXT, &u.subject}, {"--list", CLI_FLAG, &list},
        {"--yes", CLI_FLAG, &yes},           {"--no-quota", CLI_FLAG, &u.no_quota}};
    struct store_users users;
    struct conf *conf;
    int rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, 0) != 0)
        return CLI_USAGE;
    if (user == NULL || (list && yes))
        return cli_usage(cli, "expected --user ADDRESS, and not both --list and --yes");
    if (since != NULL && parse_since(since, &u.since_ms) < 0)
        return cli_usage(cli, "'%s': expected a day such as 2026-11-26, or a time ago such as 2h",
                         since);
    (void)casemap_text(slice_of(u.from), &u.from_folded); /* what is cut finds more */
    (void)casemap_text(slice_of(u.subject), &u.subject_folded);
    conf = store_job_conf(cli);
    rc = conf == NULL ? CLI_FAILED : store_users_get(cli, user, &users);
    if (rc == CLI_OK) {
        u.user = &users.list[0];
        u.undelete_days = (uint32_t)conf_u64(conf, STORE_UNDELETE_DAYS);
        rc = undelete(cli, conf, &u, list, yes);
        store_users_free(&users);
    }
    conf_free(&conf);
    strbuf_free(&u.from_folded);
    strbuf_free(&u.subject_folded);
    return rc;
}
