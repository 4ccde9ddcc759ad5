/*
 * directoryd/search.c - answers a search from the contacts in memory.
 *
 * The question comes from a session process, which may be in an attacker's hands: the work for one
 * part of the answer is bounded. No I/O.
 */
#include "directoryd/search.h"

#include "directoryd/unit.h"
#include "lib/account/canonical.h"

#define FREE_WORK 8u /* items of a filter that cost a contact no more than itself */
#define BYTES_OF_CONTACT 64

enum { SERIAL_BASE = 1, SERIAL_BOOKS = 2 }; /* of the entries above the contacts */

struct run {
    const struct tree *tree;
    const struct viewer *viewer;
    const struct directory_search *search;
    struct ldap_filter *filter;
    struct strbuf *entries;
    struct directory_found *found;
    int only_book;     /* below which one the search is; -1: all */
    struct slice unit; /* below which one of that book; "": all of it */
    enum group_members members;
    uint32_t examined, examined_max; /* in this part */
};

bool
viewer_sees(const struct viewer *viewer, const struct store_book *book)
{
    if (!book->exists)
        return false;
    return viewer->as.sees_all || !book->own_users_only ||
           slice_eq(viewer->domain, slice_of(book->name));
}

/* False: the part is full, and the entry is not in it. */
static bool
consider(struct run *run, const struct ldap_entry *entry, uint64_t serial)
{
    if (serial <= run->search->after)
        return true;
    if (run->found->count == run->search->wanted || run->entries->len >= DIRECTORY_PAGE_BYTES) {
        run->found->more = true;
        return false;
    }
    run->found->last = serial;
    if (ldap_filter_match(run->filter, entry) == LDAP_TRUE) {
        directory_entry_add(run->entries, entry);
        run->found->count++;
    }
    return true;
}

static bool
consider_base(struct run *run)
{
    const struct ldap_entry entry = {
        .kind = LDAP_ENTRY_BASE, .book = run->tree->rdn_type, .name = run->tree->rdn_value};

    return consider(run, &entry, SERIAL_BASE);
}

static bool
consider_book(struct run *run, size_t number)
{
    const struct store_book *book = store_book_at(run->tree->store, number);
    const struct ldap_entry entry = {.kind = LDAP_ENTRY_BOOK, .book = slice_of(book->name)};

    return !viewer_sees(run->viewer, book) || consider(run, &entry, SERIAL_BOOKS + number);
}

static bool
consider_books(struct run *run)
{
    for (size_t i = 0; i < store_book_count(run->tree->store); i++)
        if (!consider_book(run, i))
            return false;
    return true;
}

static bool
group_shown(const struct run *run, const struct ldap_entry *entry, enum group_members how,
            struct strbuf *fields)
{
    return group_show(entry, &run->viewer->as, run->tree->base_text, how, fields);
}

/* What the viewer may not see is gone before the filter looks. With all members a group is as much
 * work as many contacts. */
static bool
consider_group(struct run *run, const struct ldap_entry *entry, uint64_t serial)
{
    struct strbuf fields = strbuf_new(LDAP_FIELDS_BYTES_MAX);
    struct ldap_entry shown = *entry;
    bool goes_on = true;

    if (run->members == GROUP_ALL_MEMBERS)
        run->examined += (uint32_t)(entry->fields.len / BYTES_OF_CONTACT);
    if (group_shown(run, entry, run->members, &fields)) {
        shown.fields = strbuf_slice(&fields);
        goes_on = consider(run, &shown, serial);
    }
    strbuf_free(&fields);
    return goes_on;
}

/* Below a book and below a unit the scope decides; a unit is below itself in a subtree. */
static bool
unit_is_in_scope(const struct run *run, const struct ldap_entry *unit)
{
    uint8_t scope = run->search->scope;

    if (run->unit.len > 0 && slice_eq(unit->name, run->unit))
        return scope == DIRECTORY_SCOPE_BASE || scope == DIRECTORY_SCOPE_SUBTREE;
    return scope != DIRECTORY_SCOPE_BASE &&
           unit_is_below(unit, run->unit, scope == DIRECTORY_SCOPE_ONE);
}

static bool
consider_unit(struct run *run, const struct ldap_entry *entry, int book, uint64_t serial)
{
    struct strbuf fields = strbuf_new(LDAP_FIELDS_BYTES_MAX);
    struct ldap_entry shown = *entry;
    bool goes_on = true;

    unit_show(run->tree->store, book, entry, &fields);
    shown.fields = strbuf_slice(&fields);
    if (unit_is_in_scope(run, &shown))
        goes_on = consider(run, &shown, serial);
    strbuf_free(&fields);
    return goes_on;
}

static bool
consider_contact(struct run *run, uint32_t id)
{
    const struct store *store = run->tree->store;
    struct ldap_entry entry;
    int book;

    if (!store_entry(store, id, &entry, &book) || (run->only_book >= 0 && book != run->only_book) ||
        !viewer_sees(run->viewer, store_book_at(store, (size_t)book)))
        return true;
    if (entry.kind == LDAP_ENTRY_UNIT)
        return consider_unit(run, &entry, book, store_serial(store, id));
    if (run->unit.len > 0)
        return true;
    return entry.kind == LDAP_ENTRY_GROUP ? consider_group(run, &entry, store_serial(store, id))
                                          : consider(run, &entry, store_serial(store, id));
}

/* ---- what the index says ---- */

/* No more than *count contacts fit the node; false: all may. */
static bool
estimate(const struct run *run, int index, uint32_t *count)
{
    const struct ldap_filter_node *node = &run->filter->nodes[index];
    bool known = node->op == LDAP_FILTER_OR;
    uint32_t one;
    int child = index + 1;

    if (node->op != LDAP_FILTER_AND && node->op != LDAP_FILTER_OR)
        return node->op != LDAP_FILTER_NOT &&
               grams_estimate(run->tree->grams, run->filter, index, count);
    *count = node->op == LDAP_FILTER_OR ? 0 : UINT32_MAX;
    for (uint16_t i = 0; i < node->children; i++, child += run->filter->nodes[child].width) {
        bool known_one = estimate(run, child, &one);

        if (node->op == LDAP_FILTER_OR) {
            known &= known_one;
            *count = known_one && *count < UINT32_MAX - one ? *count + one : UINT32_MAX;
        } else if (known_one && (!known || one < *count)) {
            known = true;
            *count = one;
        }
    }
    return known;
}

static void collect(const struct run *run, int index, struct idset *set, struct idset *room);

/* Of an AND the child that leaves least; of an OR all of them. */
static void
collect_children(const struct run *run, int index, struct idset *set, struct idset *room)
{
    const struct ldap_filter_node *node = &run->filter->nodes[index];
    uint32_t least = 0, one;
    int child = index + 1, best = -1;

    for (uint16_t i = 0; i < node->children; i++, child += run->filter->nodes[child].width) {
        if (node->op == LDAP_FILTER_OR)
            collect(run, child, set, room);
        else if (estimate(run, child, &one) && (best < 0 || one < least)) {
            best = child;
            least = one;
        }
    }
    if (best >= 0)
        collect(run, best, set, room);
}

/* All contacts that may fit the node, of which estimate() has known something. */
static void
collect(const struct run *run, int index, struct idset *set, struct idset *room)
{
    enum ldap_filter_op op = run->filter->nodes[index].op;

    if (op == LDAP_FILTER_AND || op == LDAP_FILTER_OR)
        collect_children(run, index, set, room);
    else
        grams_collect(run->tree->grams, run->filter, index, set, room);
}

/* ---- contacts ---- */

/* How far the search has come, when so much was looked at that others have their turn. */
static void
pause_at(struct run *run, uint32_t id)
{
    uint64_t serial = store_serial(run->tree->store, id);

    run->found->more = true;
    if (serial - 1 > run->found->last)
        run->found->last = serial - 1;
}

/* Contacts that are looked at for one part of the answer: the fewer, the more each costs. */
static uint32_t
examined_max(const struct ldap_filter *filter)
{
    uint64_t work = 0;

    for (uint16_t i = 0; i < filter->count; i++)
        work += filter->nodes[i].attribute == LDAP_ATTR_ANY ? LDAP_ATTR_COUNT : 1;
    return work <= FREE_WORK ? SEARCH_EXAMINED_MAX
                             : (uint32_t)((uint64_t)SEARCH_EXAMINED_MAX * FREE_WORK / work) + 1;
}

/* Does the filter ask for them? */
static bool
names_members(const struct ldap_filter *filter)
{
    for (uint16_t i = 0; i < filter->count; i++) {
        int attribute = filter->nodes[i].attribute;

        if (attribute == LDAP_ATTR_MEMBER || attribute == LDAP_ATTR_MEMBER_MAIL ||
            attribute == LDAP_ATTR_ANY)
            return true;
    }
    return false;
}

static void
consider_set(struct run *run, uint32_t first, const struct idset *set)
{
    uint32_t ids = store_ids(run->tree->store);

    for (uint32_t id = idset_next(set, first); id < ids; id = idset_next(set, id + 1)) {
        if (run->examined++ >= run->examined_max) {
            pause_at(run, id);
            return;
        }
        if (!consider_contact(run, id))
            return;
    }
}

static void
consider_all(struct run *run, uint32_t first)
{
    uint32_t ids = store_ids(run->tree->store);

    for (uint32_t id = first; id < ids; id++) {
        if (run->examined++ >= run->examined_max) {
            pause_at(run, id);
            return;
        }
        if (!consider_contact(run, id))
            return;
    }
}

static void
consider_contacts(struct run *run)
{
    const struct store *store = run->tree->store;
    uint32_t first = store_id_behind(store, run->search->after), count;
    struct idset set, room;

    if (!estimate(run, 0, &count)) {
        consider_all(run, first);
        return;
    }
    if (count == 0)
        return;
    set = idset_new(store_ids(store));
    room = idset_new(store_ids(store));
    collect(run, 0, &set, &room);
    consider_set(run, first, &set);
    idset_free(&set);
    idset_free(&room);
}

/* ---- scopes ---- */

static void
below_base(struct run *run)
{
    uint8_t scope = run->search->scope;

    if ((scope == DIRECTORY_SCOPE_BASE || scope == DIRECTORY_SCOPE_SUBTREE) && !consider_base(run))
        return;
    if (scope != DIRECTORY_SCOPE_BASE && !consider_books(run))
        return;
    if (scope == DIRECTORY_SCOPE_SUBTREE || scope == DIRECTORY_SCOPE_BELOW)
        consider_contacts(run);
}

static void
below_book(struct run *run)
{
    uint8_t scope = run->search->scope;

    if ((scope == DIRECTORY_SCOPE_BASE || scope == DIRECTORY_SCOPE_SUBTREE) &&
        !consider_book(run, (size_t)run->only_book))
        return;
    if (scope != DIRECTORY_SCOPE_BASE)
        consider_contacts(run);
}

static int64_t
find_contact(const struct run *run)
{
    struct strbuf name = strbuf_new(CANONICAL_LOCAL_MAX);
    int64_t id = -1;

    if (canonical_local(run->search->name, &name) == 0)
        id = store_find(run->tree->store, (enum ldap_entry_kind)run->search->level, run->only_book,
                        strbuf_slice(&name));
    strbuf_free(&name);
    return id;
}

static bool
is_shown(const struct run *run, uint32_t id)
{
    struct strbuf fields = strbuf_new(LDAP_FIELDS_BYTES_MAX);
    struct ldap_entry entry;
    bool is;
    int book;

    is = store_entry(run->tree->store, id, &entry, &book) &&
         (entry.kind != LDAP_ENTRY_GROUP || group_shown(run, &entry, GROUP_ONE_MEMBER, &fields));
    strbuf_free(&fields);
    return is;
}

static void
contact_itself(struct run *run)
{
    int64_t id = find_contact(run);

    if (id < 0 || !is_shown(run, (uint32_t)id))
        run->found->result = DIRECTORY_NO_SUCH_BASE;
    else if (run->search->scope == DIRECTORY_SCOPE_BASE ||
             run->search->scope == DIRECTORY_SCOPE_SUBTREE)
        (void)consider_contact(run, (uint32_t)id);
}

/* The unit, and what is below it: in the order of all. */
static void
below_unit(struct run *run)
{
    int64_t id = unit_find(run->tree->store, run->only_book, run->search->name);
    struct ldap_entry entry;
    int book;

    if (id < 0 || !store_entry(run->tree->store, (uint32_t)id, &entry, &book)) {
        run->found->result = DIRECTORY_NO_SUCH_BASE;
        return;
    }
    run->unit = entry.name;
    if (run->search->scope == DIRECTORY_SCOPE_BASE)
        (void)consider_contact(run, (uint32_t)id);
    else
        consider_contacts(run);
}

void
search_run(const struct tree *tree, const struct viewer *viewer,
           const struct directory_search *search, struct ldap_filter *filter,
           struct strbuf *entries, struct directory_found *found)
{
    struct run run = {.tree = tree,
                      .viewer = viewer,
                      .search = search,
                      .filter = filter,
                      .entries = entries,
                      .found = found,
                      .only_book = -1,
                      .unit = SLICE(""),
                      .members = search->members || names_members(filter) ? GROUP_ALL_MEMBERS
                                                                          : GROUP_ONE_MEMBER,
                      .examined_max = examined_max(filter)};

    *found = (struct directory_found){.result = DIRECTORY_OK, .last = search->after};
    if (search->level != LDAP_ENTRY_BASE) {
        run.only_book = store_book_find(tree->store, search->book);
        if (run.only_book < 0 ||
            !viewer_sees(viewer, store_book_at(tree->store, (size_t)run.only_book))) {
            found->result = DIRECTORY_NO_SUCH_BASE;
            return;
        }
    }
    if (search->level == LDAP_ENTRY_BASE)
        below_base(&run);
    else if (search->level == LDAP_ENTRY_BOOK)
        below_book(&run);
    else if (search->level == LDAP_ENTRY_UNIT)
        below_unit(&run);
    else
        contact_itself(&run);
}
