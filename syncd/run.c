/*
 * syncd/run.c - one synchronisation: who is who, the brake, and the order of the changes.
 *
 * Entries and accounts belong together by the ID alone. Nothing is changed before all is known: who
 * is new, who has gone, and that there are not too many of these.
 */
#include "syncd/run.h"

#include <fcntl.h>
#include <stdlib.h>

#include "lib/log/log.h"

enum { ROWS_MAX = 2000 };

#define ROWS_BYTES_MAX (SYNC_REPLY_MAX - 65536u)

/* ---- the report ---- */

static void
add_row(struct run *run, const char *action, struct slice kind, struct slice name,
        struct slice result)
{
    if (run->row_count++ >= ROWS_MAX || run->rows.len > ROWS_BYTES_MAX - 8192)
        return; /* the counts are right all the same */
    object_add(&run->rows,
               (const struct object_field[]){{SLICE("action"), slice_of(action)},
                                             {SLICE("kind"), kind},
                                             {SLICE("name"), slice_sub(name, 0, 1000)},
                                             {SLICE("result"), slice_sub(result, 0, 1000)}},
               4);
}

void
run_refuse(struct run *run, const char *kind, struct slice name, const char *why)
{
    run->refused++;
    add_row(run, "refused", slice_of(kind), name, slice_of(why));
    log_event(LOG_WARN, "sync_refused", KV_STR("domain", run->domain->name), KV_STR("kind", kind),
              KV_SLICE("name", name), KV_STR("reason", why));
}

void
run_note(struct run *run, const char *kind, struct slice name, const char *what)
{
    add_row(run, "note", slice_of(kind), name, slice_of(what));
}

/* Of a member the group and it. */
static void
add_change(struct run *run, const char *action, const struct accountd_admin *admin,
           struct slice result)
{
    struct strbuf name = strbuf_new(2000);

    (void)strbuf_append(&name, admin->name);
    if (slice_eq(admin->kind, SLICE("member")) && admin->field_count > 0) {
        (void)strbuf_str(&name, ": ");
        (void)strbuf_append(&name, admin->fields[0].value);
    }
    if (slice_eq(admin->verb, SLICE("rename")) && admin->field_count > 0) {
        (void)strbuf_str(&name, " to ");
        (void)strbuf_append(&name, admin->fields[0].value);
    }
    add_row(run, action, admin->kind, strbuf_slice(&name), result);
    strbuf_free(&name);
}

bool
run_change(struct run *run, const char *action, const struct accountd_admin *admin)
{
    struct accountd_admin_reply reply;

    if (run->is_broken)
        return false;
    if (run->wish.dry_run) {
        run->changed++;
        add_change(run, action, admin, SLICE("would be done"));
        return true;
    }
    if (ask_do(run->ask, admin, &reply) < 0) {
        run->is_broken = true;
        add_change(run, action, admin, SLICE("accountd does not answer"));
        return false;
    }
    add_change(run, action, admin, reply.result == 0 ? SLICE("done") : reply.text);
    if (reply.result == 0) {
        run->changed++;
        return true;
    }
    run->refused++;
    log_event(LOG_WARN, "sync_refused", KV_STR("domain", run->domain->name),
              KV_SLICE("kind", admin->kind), KV_SLICE("name", admin->name),
              KV_SLICE("reason", reply.text));
    return false;
}

/* ---- who is who ---- */

static void
match_by_id(struct run *run, struct entry *e)
{
    struct local *l;

    if (e->id.len == 0)
        return;
    l = map_get(e->of_group ? run->locals.group_by_id : run->locals.user_by_id, e->id);
    if (l == NULL || l->seen)
        return;
    e->local = l;
    l->seen = true;
}

/* A mailbox or group of that name that no ID has led to. Whatever becomes of it, the directory has
 * somebody of that name: it has not vanished. */
static void
match_by_name(struct run *run, struct entry *e)
{
    struct local *l =
        e->address == NULL ? NULL : map_get(run->locals.by_address, slice_of(e->address));
    enum account_kind kind = e->of_group ? ACCOUNT_GROUP : ACCOUNT_USER;

    if (e->local != NULL || l == NULL || l->seen)
        return;
    l->seen = true;
    if (e->trouble != NULL)
        return;
    if (l->kind == kind && run->wish.adopt)
        e->local = l;
    else
        e->trouble = l->kind == kind
                         ? "one of that name is there already, and --adopt takes it over"
                         : "another kind of account has that name";
}

static void
match(struct run *run)
{
    for (size_t i = 0; i < run->entries.count; i++)
        match_by_id(run, &run->entries.list[i]);
    for (size_t i = 0; i < run->entries.count; i++)
        match_by_name(run, &run->entries.list[i]);
}

/* ---- the brake ---- */

static size_t
count_vanished(const struct run *run, enum account_kind kind)
{
    size_t count = 0;

    for (const struct local *l = run->locals.first; l != NULL; l = l->next)
        count += l->kind == kind && l->sync_id[0] != '\0' && !l->seen;
    return count;
}

/* One may always go. */
static bool
is_too_much(const struct run *run, size_t vanished, size_t all)
{
    return vanished > 1 && vanished * 100 > all * run->domain->brake;
}

static bool
brake_holds(const struct run *run, struct strbuf *text)
{
    size_t users = count_vanished(run, ACCOUNT_USER), groups = count_vanished(run, ACCOUNT_GROUP);
    bool too_many = is_too_much(run, users, run->locals.users) ||
                    (run->domain->with_groups && is_too_much(run, groups, run->locals.groups));

    if (run->wish.force || run->domain->vanished == VANISHED_KEEP ||
        (!too_many && (run->entries.users > 0 || run->locals.users == 0)))
        return false;
    (void)strbuf_printf(
        text,
        "nothing was changed: %zu of %zu users and %zu of %zu groups are not in the "
        "directory any more, and sync_brake is %u %%; look whether that is right, "
        "then --force does it",
        users, run->locals.users, groups, run->locals.groups, run->domain->brake);
    return true;
}

/* ---- all of it ---- */

static void
change_all(struct run *run)
{
    run_people(run);
    if (run->domain->with_groups) {
        run_groups(run);
        run_vanished_groups(run);
    }
    run_vanished_people(run);
}

static enum sync_result
work(struct run *run, struct strbuf *text)
{
    if (entries_read(&run->entries, run->fetched, slice_of(run->domain->name)) < 0) {
        (void)strbuf_str(text, "nothing was changed: what the directory gave is damaged");
        return SYNC_NOTHING;
    }
    if (locals_read(&run->locals, run->ask, slice_of(run->domain->name), &run->domain->source) <
        0) {
        (void)strbuf_str(text, "nothing was changed: accountd does not answer");
        return SYNC_NOTHING;
    }
    match(run);
    if (brake_holds(run, text))
        return SYNC_NOTHING;
    change_all(run);
    (void)strbuf_printf(text, "%zu users and %zu groups there: %u changes%s, %u refused, %u kept",
                        run->entries.users, run->entries.groups, run->changed,
                        run->wish.dry_run ? " would be made" : "", run->refused, run->kept);
    if (run->is_broken)
        (void)strbuf_str(text, "; accountd has gone meanwhile");
    return run->refused > 0 || run->is_broken ? SYNC_REFUSALS : SYNC_WHOLE;
}

void
run_do(struct run *run, struct strbuf *reply)
{
    struct strbuf text = strbuf_new(SYNC_TEXT_MAX);
    struct sync_reply out = {.run = 0};

    run->ask = ask_new();
    run->rows = strbuf_new(ROWS_BYTES_MAX);
    out.result = (uint8_t)work(run, &text);
    out.text = strbuf_slice(&text);
    out.data = strbuf_slice(&run->rows);
    (void)sync_reply_encode(reply, 0, &out); /* the rows' limit is below the reply's */
    log_event(out.result == SYNC_WHOLE ? LOG_INFO : LOG_WARN, "sync_done",
              KV_STR("domain", run->domain->name), KV_STR("dry", run->wish.dry_run ? "yes" : "no"),
              KV_U64("changes", run->changed), KV_U64("refused", run->refused),
              KV_SLICE("text", out.text));
    log_flush();
    locals_free(&run->locals);
    entries_free(&run->entries);
    strbuf_free(&run->rows);
    strbuf_free(&text);
    ask_free(&run->ask);
}
