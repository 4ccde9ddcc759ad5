/*
 * syncd/groups.c - groups and their members as the directory has them.
 *
 * Members are named by the groups (names of entries, or bare user names) and by their own
 * member_of; both count. A group in a group is a member like any other.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "syncd/run.h"

#define MEMBERS_MAX 1000000u

struct list {
    const struct entry **entries;
    size_t count, room;
};

struct group {
    struct run *run;
    struct entry *entry;
    struct map *wanted; /* addresses of members, as accountd has them */
    struct list order;  /* the same */
    unsigned strangers; /* members that are none of the users and groups */
};

static void
list_add(struct list *list, const struct entry *entry)
{
    if (list->count == list->room) {
        list->room = list->room == 0 ? 8 : list->room * 2;
        list->entries = xreallocarray(list->entries, list->room, sizeof(struct entry *));
    }
    list->entries[list->count++] = entry;
}

/* ---- who is to be in it ---- */

static void
want(struct group *g, const struct entry *member)
{
    void **at;

    if (member == g->entry || member->here == NULL)
        return;
    at = map_at(g->wanted, slice_of(member->here));
    if (at == NULL || *at != NULL)
        return;
    *at = g;
    list_add(&g->order, member);
}

static void
take_member(void *arg, const struct object_field *field)
{
    struct group *g = arg;
    struct strbuf address;
    const struct entry *member = NULL;

    if (!slice_eq(field->name, SLICE("member")))
        return;
    if (slice_index(field->value, '=') < field->value.len) {
        member = entries_by_dn(&g->run->entries, field->value);
    } else { /* memberUid of RFC 2307 */
        address = strbuf_new(1000);
        (void)strbuf_append(&address, field->value);
        (void)strbuf_char(&address, '@');
        (void)strbuf_str(&address, g->run->domain->name);
        member = map_get(g->run->entries.user_by_address, strbuf_slice(&address));
        strbuf_free(&address);
    }
    if (member != NULL)
        want(g, member);
    else
        g->strangers++;
}

/* ---- by member_of: group -> its members, made once ---- */

struct reverse {
    struct run *run;
    struct map *lists; /* the group's entry as key */
    struct entry *member;
};

/* Names of entries are unique as they came. */
static struct slice
key_of(const struct entry *entry)
{
    return entry->dn;
}

static void
take_member_of(void *arg, const struct object_field *field)
{
    struct reverse *r = arg;
    const struct entry *group;
    void **at;

    if (!slice_eq(field->name, SLICE("member_of")))
        return;
    group = entries_by_dn(&r->run->entries, field->value);
    at = group != NULL && group->of_group ? map_at(r->lists, key_of(group)) : NULL;
    if (at == NULL)
        return;
    if (*at == NULL)
        *at = xcalloc(1, sizeof(struct list));
    list_add(*at, r->member);
}

static void
list_free(void *value)
{
    struct list *list = value;

    if (list != NULL)
        free(list->entries);
    free(list);
}

/* ---- who is in it ---- */

struct present {
    struct map *members; /* address -> itself */
    char **list;
    size_t count, room;
};

static void
take_present(void *arg, const struct object_field *fields, uint32_t count)
{
    struct present *p = arg;
    struct slice member = object_get(fields, count, "member");
    void **at = map_at(p->members, member);

    if (at == NULL || *at != NULL)
        return;
    if (p->count == p->room) {
        p->room = p->room == 0 ? 64 : p->room * 2;
        p->list = xreallocarray(p->list, p->room, sizeof(char *));
    }
    p->list[p->count] = xslicedup(member);
    *at = p->list[p->count++];
}

static void
present_free(struct present *p)
{
    for (size_t i = 0; i < p->count; i++)
        free(p->list[i]);
    free(p->list);
    map_free(&p->members, NULL);
}

static void
change_member(struct group *g, const char *verb, const char *member)
{
    const struct object_field field = {SLICE("member"), slice_of(member)};

    (void)run_change(g->run, strcmp(verb, "add") == 0 ? "add" : "delete",
                     &(struct accountd_admin){.verb = slice_of(verb),
                                              .kind = SLICE("member"),
                                              .name = slice_of(g->entry->address),
                                              .fields = &field,
                                              .field_count = 1});
}

static void
members_follow(struct group *g)
{
    struct present p = {.members = map_new(MEMBERS_MAX)};
    bool is_here = g->entry->local != NULL || !g->run->wish.dry_run;

    if (is_here && ask_list(g->run->ask, "member", slice_of(g->entry->here), take_present, &p) < 0)
        g->run->is_broken = true;
    for (size_t i = 0; i < g->order.count && !g->run->is_broken; i++)
        if (map_get(p.members, slice_of(g->order.entries[i]->here)) == NULL)
            change_member(g, "add", g->order.entries[i]->here);
    for (size_t i = 0; i < p.count && !g->run->is_broken; i++)
        if (map_get(g->wanted, slice_of(p.list[i])) == NULL)
            change_member(g, "del", p.list[i]);
    present_free(&p);
}

/* ---- all ---- */

static void
one_group(struct run *run, struct entry *e, const struct map *by_members)
{
    struct group g = {.run = run, .entry = e, .wanted = map_new(MEMBERS_MAX)};
    const struct list *more = map_get(by_members, key_of(e));

    entry_fields(e, take_member, &g);
    for (size_t i = 0; more != NULL && i < more->count; i++)
        want(&g, more->entries[i]);
    if (g.strangers > 0)
        run_note(run, "group", slice_of(e->address),
                 "it has members that are none of these users and groups: they are left out");
    members_follow(&g);
    free(g.order.entries);
    map_free(&g.wanted, NULL);
}

void
run_groups(struct run *run)
{
    struct reverse r = {.run = run, .lists = map_new(ENTRIES_MAX)};
    bool *is_here = xcalloc(run->entries.count + 1, sizeof(bool));

    for (size_t i = 0; i < run->entries.count && !run->is_broken; i++) {
        r.member = &run->entries.list[i];
        entry_fields(r.member, take_member_of, &r);
        if (r.member->of_group) /* all of them first: they may be in each other */
            is_here[i] = run_account(run, r.member);
    }
    for (size_t i = 0; i < run->entries.count && !run->is_broken; i++)
        if (is_here[i])
            one_group(run, &run->entries.list[i], r.lists);
    map_free(&r.lists, list_free);
    free(is_here);
}

void
run_vanished_groups(struct run *run)
{
    for (const struct local *l = run->locals.first; l != NULL && !run->is_broken; l = l->next) {
        if (l->kind != ACCOUNT_GROUP || l->sync_id[0] == '\0' || l->seen)
            continue;
        if (run->domain->vanished == VANISHED_DELETE)
            (void)run_change(run, "delete",
                             &(struct accountd_admin){.verb = SLICE("del"),
                                                      .kind = SLICE("group"),
                                                      .name = slice_of(l->address)});
        else
            run->kept++;
    }
}
