/*
 * syncd/people.c - mailboxes and their aliases as the directory has them.
 */
#include <string.h>

#include "lib/account/canonical.h"
#include "lib/account/schema.h"
#include "lib/base/mem.h"
#include "syncd/run.h"

#define STORED_MAX 8192

enum { CHANGES_MAX = SYNC_ROWS_MAX + 4 };

/* ---- properties ---- */

/* What is told to accountd about one account; the values are owned. */
struct changes {
    struct run *run;
    const struct entry *entry;
    struct object_field fields[CHANGES_MAX];
    struct strbuf values[CHANGES_MAX];
    uint32_t count;
};

static void
changes_free(struct changes *c)
{
    for (uint32_t i = 0; i < c->count; i++)
        strbuf_free(&c->values[i]);
}

static void
put(struct changes *c, const char *name, struct slice value)
{
    if (c->count == CHANGES_MAX)
        return;
    c->values[c->count] = strbuf_new(STORED_MAX);
    (void)strbuf_append(&c->values[c->count], value); /* longer than a property may be: refused */
    c->fields[c->count] = (struct object_field){slice_of(name), strbuf_slice(&c->values[c->count])};
    c->count++;
}

struct search {
    struct slice name, value;
    bool found;
};

static void
look(void *arg, const struct object_field *field)
{
    struct search *s = arg;

    if (!s->found && slice_eq(field->name, s->name)) {
        s->value = field->value;
        s->found = true;
    }
}

/* A value that the entry has for a property, if it differs from what is there. What cannot be a
 * value is in the report, and stays as it is. */
static void
compare(struct changes *c, enum account_property id)
{
    const char *name = account_properties[id].name;
    struct search s = {.name = slice_of(name)};
    const struct local *local = c->entry->local;
    struct strbuf stored = strbuf_new(STORED_MAX), error = strbuf_new(1000);

    entry_fields(c->entry, look, &s);
    if (!s.found && (local == NULL || account_properties[id].dflt[0] != '\0')) {
        /* nothing is said about it */
    } else if (s.found && property_normalize(id, s.value, &stored, &error) < 0) {
        run_refuse(c->run, account_kind_name(account_properties[id].kind),
                   slice_of(c->entry->address), strbuf_cstr(&error));
    } else if (local == NULL
                   ? stored.len > 0
                   : !slice_eq(strbuf_slice(&stored), local_value(local, slice_of(name)))) {
        put(c, name, strbuf_slice(&stored));
    }
    strbuf_free(&stored);
    strbuf_free(&error);
}

static void
compare_all(struct changes *c)
{
    const struct sync_source *source = &c->run->domain->source;
    enum account_kind kind = c->entry->of_group ? ACCOUNT_GROUP : ACCOUNT_USER;

    for (size_t i = 0; i < source->count; i++) {
        const char *near;
        int id = source->rows[i].of_group == c->entry->of_group &&
                         !slice_eq(source->rows[i].name, SLICE("address"))
                     ? account_property_find(kind, source->rows[i].name, &near)
                     : -1;

        if (id >= 0 && source->rows[i].attributes.len > 0)
            compare(c, (enum account_property)id);
    }
}

/* ---- one mailbox ---- */

/* What the administrator has switched off stays off. */
static void
compare_status(struct changes *c)
{
    const struct local *local = c->entry->local;
    bool is_active = local == NULL || local->active,
         is_ours = local != NULL && local->sync_disabled;

    if (c->entry->disabled && is_active) {
        put(c, "status", SLICE("disabled"));
        put(c, "sync_disabled", SLICE("yes"));
    } else if (!c->entry->disabled && is_ours) {
        put(c, "status", SLICE("normal"));
        put(c, "sync_disabled", SLICE("no"));
    }
}

/* In a dry run it keeps the name that it has. */
static bool
rename_account(struct run *run, struct entry *e, const char *kind)
{
    const struct object_field field = {SLICE("new_name"), slice_of(e->address)};

    if (strcmp(e->local->address, e->address) == 0)
        return true;
    if (!run_change(run, "rename",
                    &(struct accountd_admin){.verb = SLICE("rename"),
                                             .kind = slice_of(kind),
                                             .name = slice_of(e->local->address),
                                             .fields = &field,
                                             .field_count = 1}))
        return false;
    if (!run->wish.dry_run)
        e->here = e->address;
    return true;
}

/* A user or a group. True: it is here now, under its name (or would be). */
static bool
account_follows(struct run *run, struct entry *e, const char *kind)
{
    struct changes c = {.run = run, .entry = e};
    bool is_new = e->local == NULL, good = is_new || rename_account(run, e, kind);

    compare_all(&c);
    if (!e->of_group)
        compare_status(&c);
    if (is_new || !slice_eq(slice_of(e->local->sync_id), e->id))
        put(&c, "sync_id", e->id);
    if (c.count > 0)
        good &= run_change(run, is_new ? "add" : "set",
                           &(struct accountd_admin){.verb = is_new ? SLICE("add") : SLICE("set"),
                                                    .kind = slice_of(kind),
                                                    .name = slice_of(is_new ? e->address : e->here),
                                                    .fields = c.fields,
                                                    .field_count = c.count});
    if (is_new && good)
        e->here = e->address;
    changes_free(&c);
    return good;
}

bool
run_account(struct run *run, struct entry *e)
{
    const char *kind = e->of_group ? "group" : "user";

    e->here = e->local == NULL ? NULL : e->local->address;
    if (e->trouble == NULL)
        return account_follows(run, e, kind);
    run_refuse(run, kind, e->address != NULL ? slice_of(e->address) : e->dn, e->trouble);
    return false;
}

/* ---- aliases ---- */

struct aliases {
    struct run *run;
    struct entry *entry;
    struct map *wanted; /* addresses of all aliases that the directory has */
};

static bool
is_of_entry(const struct aliases *a, const char *mailbox)
{
    return strcmp(mailbox, a->entry->address) == 0 ||
           (a->entry->local != NULL && strcmp(mailbox, a->entry->local->address) == 0);
}

static void
alias_follows(struct aliases *a, struct slice address)
{
    const struct local *l = map_get(a->run->locals.by_address, address);
    const struct object_field fields[] = {{SLICE("mailbox"), slice_of(a->entry->address)},
                                          {SLICE("synced"), SLICE("yes")}};
    struct accountd_admin admin = {.verb = SLICE("add"),
                                   .kind = SLICE("alias"),
                                   .name = address,
                                   .fields = fields,
                                   .field_count = 2};

    if (l == NULL) {
        (void)run_change(a->run, "add", &admin);
    } else if (l->kind != ACCOUNT_ALIAS || (!l->synced && !is_of_entry(a, l->target))) {
        run_refuse(a->run, "alias", address, "another account has that name");
    } else if (!is_of_entry(a, l->target)) {
        admin.verb = SLICE("set");
        (void)run_change(a->run, "set", &admin);
    }
}

/* Addresses in other domains are not this one's business. */
static void
take_alias(void *arg, const struct object_field *field)
{
    struct aliases *a = arg;
    struct strbuf address = strbuf_new(CANONICAL_ADDRESS_MAX);
    struct slice domain = slice_of(a->run->domain->name), found;
    void **at;

    if (slice_eq(field->name, SLICE("alias")) && canonical_address(field->value, &address) == 0) {
        found = strbuf_slice(&address);
        if (slice_eq(slice_sub(found, slice_rindex(found, '@') + 1, found.len), domain) &&
            !slice_eq(found, slice_of(a->entry->address)) &&
            (at = map_at(a->wanted, found)) != NULL && *at == NULL) {
            *at = a->entry;
            alias_follows(a, found);
        }
    }
    strbuf_free(&address);
}

/* Those that have come from there go, unless the mailbox itself has vanished or could not follow:
 * then its fate is theirs. */
static void
drop_aliases(struct run *run, const struct map *wanted)
{
    for (const struct local *l = run->locals.first; l != NULL; l = l->next) {
        const struct local *mailbox;

        if (l->kind != ACCOUNT_ALIAS || !l->synced || map_get(wanted, slice_of(l->address)) != NULL)
            continue;
        mailbox = map_get(run->locals.by_address, slice_of(l->target));
        if (mailbox != NULL && mailbox->taken && mailbox->sync_id[0] != '\0')
            (void)run_change(run, "delete",
                             &(struct accountd_admin){.verb = SLICE("del"),
                                                      .kind = SLICE("alias"),
                                                      .name = slice_of(l->address)});
    }
}

/* ---- all ---- */

void
run_people(struct run *run)
{
    struct aliases a = {.run = run, .wanted = map_new(ENTRIES_MAX)};

    for (size_t i = 0; i < run->entries.count && !run->is_broken; i++) {
        a.entry = &run->entries.list[i];
        if (a.entry->of_group || !run_account(run, a.entry))
            continue;
        if (a.entry->local != NULL)
            a.entry->local->taken = true;
        entry_fields(a.entry, take_alias, &a);
    }
    drop_aliases(run, a.wanted);
    map_free(&a.wanted, NULL);
}

void
run_vanished_people(struct run *run)
{
    const struct object_field off[] = {{SLICE("status"), SLICE("disabled")},
                                       {SLICE("sync_disabled"), SLICE("yes")}};

    for (const struct local *l = run->locals.first; l != NULL && !run->is_broken; l = l->next) {
        if (l->kind != ACCOUNT_USER || l->sync_id[0] == '\0' || l->seen)
            continue;
        if (run->domain->vanished == VANISHED_DELETE)
            (void)run_change(run, "delete",
                             &(struct accountd_admin){.verb = SLICE("del"),
                                                      .kind = SLICE("user"),
                                                      .name = slice_of(l->address)});
        else if (run->domain->vanished == VANISHED_DISABLE && l->active)
            (void)run_change(run, "disable",
                             &(struct accountd_admin){.verb = SLICE("set"),
                                                      .kind = SLICE("user"),
                                                      .name = slice_of(l->address),
                                                      .fields = off,
                                                      .field_count = 2});
        else
            run->kept++;
    }
}
