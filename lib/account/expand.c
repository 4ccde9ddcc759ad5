/*
 * lib/account/expand.c - where mail for an address goes in the end.
 *
 * Addresses come from the network, the rest from the base. Reads the database, changes nothing.
 * Depth and number of results are limited.
 */
#include "lib/account/expand.h"

#include <stdlib.h>
#include <string.h>

#include "lib/account/edit.h"
#include "lib/account/origin.h"
#include "lib/account/public.h"
#include "lib/account/shown.h"
#include "lib/base/arena.h"
#include "lib/base/crc32c.h"
#include "lib/base/mem.h"
#include "lib/mail/address.h"
#include "lib/mail/imap_rights.h"

#define BYTES_MAX (8u << 20) /* of all results together: fits in one reply */
#define FAILURES_MAX                                                                               \
    ((size_t)ACCOUNTD_BATCH_MAX * (ACCOUNTD_ADDRESS_MAX + 1)) /* bytes, besides                    \
                                                               */
#define SEEN_MIN 64

/* One step of the way from the source to here; the steps form a list on the stack. */
struct step {
    const struct step *parent;
    struct slice address; /* canonical */
    int depth;
    bool by_name; /* the source itself, or what it is an alias of */
};

struct expansion {
    struct account_base *base;
    int64_t now_ms;
    struct arena arena;
    size_t kept_bytes; /* in the arena */
    struct accountd_target *targets;
    uint32_t count, allocated;
    bool full;
    /* Of the source at hand: */
    uint16_t source;
    struct slice named; /* its address as it was given */
    struct slice auth_user, sender;
    bool by_rule, is_free; /* no right is asked for; no mailbox says no */
    bool sender_judged, sender_foreign;
    struct origin origin;  /* once it is needed: address.max is not 0 */
    uint32_t source_first; /* its first target */
    struct slice *seen;    /* set of addresses met, by open addressing; ptr NULL: free place */
    size_t seen_places, seen_count;
};

static void follow(struct expansion *x, struct slice address, struct slice via,
                   const struct step *parent);

struct expansion *
expansion_new(struct account_base *base, int64_t now_ms)
{
    struct expansion *x = xcalloc(1, sizeof(*x));

    x->base = base;
    x->now_ms = now_ms;
    x->seen_places = SEEN_MIN;
    x->seen = xcalloc(x->seen_places, sizeof(*x->seen));
    return x;
}

void
expansion_free(struct expansion **expansionp)
{
    struct expansion *x = *expansionp;

    if (x == NULL)
        return;
    arena_free(&x->arena);
    origin_free(&x->origin);
    free(x->targets);
    free(x->seen);
    xfree(expansionp);
}

struct accountd_target *
expansion_targets(struct expansion *expansion, uint32_t *count)
{
    *count = expansion->count;
    return expansion->targets;
}

/* ---- the set of addresses met ---- */

static void
place_in_set(struct slice *places, size_t count, struct slice value)
{
    size_t at = crc32c(0, value) & (count - 1);

    while (places[at].ptr != NULL)
        at = (at + 1) & (count - 1);
    places[at] = value;
}

static void
grow_set(struct expansion *x)
{
    size_t places = x->seen_places * 2;
    struct slice *larger = xcalloc(places, sizeof(*larger));

    for (size_t i = 0; i < x->seen_places; i++)
        if (x->seen[i].ptr != NULL)
            place_in_set(larger, places, x->seen[i]);
    free(x->seen);
    x->seen = larger;
    x->seen_places = places;
}

static bool
was_seen(const struct expansion *x, struct slice address)
{
    size_t at = crc32c(0, address) & (x->seen_places - 1);

    for (; x->seen[at].ptr != NULL; at = (at + 1) & (x->seen_places - 1))
        if (slice_eq(x->seen[at], address))
            return true;
    return false;
}

static void
remember(struct expansion *x, struct slice address)
{
    if ((x->seen_count + 1) * 2 > x->seen_places)
        grow_set(x);
    place_in_set(x->seen, x->seen_places, address);
    x->seen_count++;
}

/* ---- results ---- */

static struct slice
keep(struct expansion *x, struct slice s)
{
    x->kept_bytes += s.len;
    if (x->kept_bytes > BYTES_MAX)
        x->full = true;
    return x->full ? slice_make(NULL, 0) : arena_copy(&x->arena, s);
}

static void
push(struct expansion *x, const struct accountd_target *target)
{
    if (x->count == x->allocated) {
        x->allocated = x->allocated == 0 ? 16 : x->allocated * 2;
        x->targets = xreallocarray(x->targets, x->allocated, sizeof(*x->targets));
    }
    x->targets[x->count] = *target;
    x->targets[x->count++].source = x->source;
}

/* Each source may still get its failure when there is room for nothing else. */
static void
emit(struct expansion *x, const struct accountd_target *target)
{
    if (x->count >= ACCOUNTD_TARGETS_MAX - ACCOUNTD_BATCH_MAX)
        x->full = true;
    if (!x->full)
        push(x, target);
}

static void
emit_failure(struct expansion *x, struct slice address, struct slice via, const char *dsn,
             const char *text)
{
    const struct accountd_target target = {.kind = ACCOUNTD_TO_FAILURE,
                                           .address = keep(x, address),
                                           .via = via,
                                           .dsn = slice_of(dsn),
                                           .text = slice_of(text)};

    emit(x, &target);
}

/* A failure that the domain's administrator is told of, too. */
static void
emit_unknown(struct expansion *x, struct slice address, struct slice via, struct slice notice)
{
    const struct accountd_target target = {.kind = ACCOUNTD_TO_FAILURE,
                                           .address = keep(x, address),
                                           .via = via,
                                           .dsn = SLICE("5.1.1"),
                                           .text = SLICE("no such mailbox"),
                                           .notice = keep(x, notice)};

    emit(x, &target);
}

/* Who sends from a domain of ours is no stranger to those who look there. */
static bool
sender_is_foreign(struct expansion *x)
{
    struct account_hit hit = account_hit_new();

    if (!x->sender_judged)
        x->sender_foreign = account_find(x->base, x->sender, &hit) == ACCOUNT_FOREIGN;
    x->sender_judged = true;
    account_hit_free(&hit);
    return x->sender_foreign;
}

/* The sender of what the address of step `by` sends on; empty: the one that the mail has. */
static struct slice
rewritten_sender(struct expansion *x, const struct step *by)
{
    struct strbuf sender = strbuf_new(ADDRESS_MAX);
    struct slice domain, kept = SLICE("");

    if (by == NULL || !x->base->srs_rewrites || x->base->srs == NULL || x->sender.len == 0 ||
        !sender_is_foreign(x))
        return kept;
    domain = slice_sub(by->address, slice_rindex(by->address, '@') + 1, by->address.len);
    if (srs_forward(x->base->srs, x->sender, domain, x->now_ms, &sender) == 0)
        kept = keep(x, strbuf_slice(&sender));
    strbuf_free(&sender);
    return kept;
}

/* `by`: whose forward it is, or NULL. */
static void
emit_remote(struct expansion *x, struct slice address, struct slice via, const struct step *by)
{
    struct accountd_target target = {
        .kind = ACCOUNTD_TO_REMOTE, .address = keep(x, address), .via = via};

    if (was_seen(x, target.address))
        return;
    if (target.address.ptr != NULL)
        remember(x, target.address);
    target.sender = rewritten_sender(x, by);
    emit(x, &target);
}

/* The store of a mailbox or of a public folder. */
static void
emit_mailbox(struct expansion *x, const struct account_hit *hit, struct slice via)
{
    struct strbuf path = strbuf_new(ACCOUNT_PATH_MAX);
    struct accountd_target target = {.kind = ACCOUNTD_TO_MAILBOX, .via = via};
    bool is_public = hit->entry.kind == ACCOUNT_PUBLIC;

    account_entry_path(hit->entry.kind, strbuf_slice(&hit->address), &path);
    target.address = keep(x, strbuf_slice(&hit->address));
    target.path = keep(x, strbuf_slice(&path));
    target.quota_bytes = record_u64(&hit->entry, is_public ? PUBLIC_QUOTA_BYTES : USER_QUOTA_BYTES);
    target.quota_messages =
        record_u64(&hit->entry, is_public ? PUBLIC_QUOTA_MESSAGES : USER_QUOTA_MESSAGES);
    if (!is_public) /* nobody owns a public folder */
        target.warning_limit = (uint8_t)record_u64(&hit->entry, USER_WARNING_LIMIT);
    target.auto_reply = !is_public && account_user_replies(&hit->entry, x->now_ms);
    emit(x, &target);
    strbuf_free(&path);
}

/* ---- the ways ---- */

static bool
comes_from(const struct step *parent, struct slice address)
{
    for (const struct step *s = parent; s != NULL; s = s->parent)
        if (slice_eq(s->address, address))
            return true;
    return false;
}

/* Among those from position `from` on. */
static bool
has_target(const struct expansion *x, uint32_t from, struct slice address)
{
    for (uint32_t i = from; i < x->count; i++)
        if (slice_eq(x->targets[i].address, address))
            return true;
    return false;
}

/* DIR-29. smtpd has asked already about the recipients that it was given, but the way here may lead
 * through aliases, groups and forwards. */
static bool
takes(struct expansion *x, const struct account_hit *mailbox)
{
    struct account_hit hit;

    if (x->by_rule || x->is_free || !receiving_is_limited(&mailbox->entry))
        return true;
    if (x->origin.address.max == 0) {
        hit = account_hit_new();
        (void)origin_find(x->base, x->auth_user, x->sender, &hit, &x->origin);
        account_hit_free(&hit);
    }
    return origin_denied_by(&x->origin, mailbox) == NULL;
}

static void
follow_user(struct expansion *x, const struct account_hit *hit, struct slice via,
            const struct step *here)
{
    struct slice forward = record_get(&hit->entry, USER_FORWARD), word;
    bool forwards = forward.len > 0 && record_bool(&hit->entry, USER_FORWARD_RIGHT);
    uint32_t first = x->count; /* its own mailbox may be found again behind this, never before */

    if (account_user_state(&hit->entry, x->now_ms) == ACCOUNT_DISABLED) {
        emit_failure(x, here->address, via, "5.2.1", "mailbox is disabled");
        return;
    }
    if (!takes(x, hit)) {
        emit_failure(x, here->address, via, "5.7.1", "this mailbox takes no mail from the sender");
        return;
    }
    if (!forwards || record_bool(&hit->entry, USER_FORWARD_KEEP))
        emit_mailbox(x, hit, via);
    while (forwards && (word = property_next_word(&forward)).len > 0)
        follow(x, word, SLICE("forward"), here);
    if (forwards && x->count > x->source_first && !has_target(x, first, here->address))
        emit(x, &(struct accountd_target){
                    .kind = ACCOUNTD_TO_NOBODY, .address = here->address, .via = via});
}

static void
emit_shown(struct expansion *x, struct slice group, struct slice members)
{
    const struct accountd_target target = {
        .kind = ACCOUNTD_SHOWN, .address = keep(x, group), .text = members};

    emit(x, &target);
}

/* DIR-55. The header has the group by its own name, or by the one that the envelope has. */
static void
show_group(struct expansion *x, const struct account_hit *hit, const struct step *here)
{
    struct strbuf members = strbuf_new(ACCOUNTD_SHOWN_MAX);
    struct slice name = strbuf_slice(&hit->address), kept;

    if (shown_members(x->base, hit, &members) && members.len > 0) {
        kept = keep(x, strbuf_slice(&members));
        emit_shown(x, name, kept);
        if (here->by_name && !slice_eq_nocase(name, x->named))
            emit_shown(x, x->named, kept);
    }
    strbuf_free(&members);
}

static void
follow_group(struct expansion *x, const struct account_hit *hit, const struct step *here)
{
    uint32_t first = x->count;

    struct strbuf prefix = strbuf_new(ACCOUNT_KEY_MAX), via = strbuf_new(ACCOUNT_ADDRESS_MAX + 8);
    struct slice key, value, kept_via;
    struct account_rows *rows;
    int rc = -1;

    (void)strbuf_printf(&via, "group %s", strbuf_cstr(&hit->address));
    kept_via = keep(x, strbuf_slice(&via));
    (void)strbuf_append(&prefix, strbuf_slice(&hit->key));
    (void)strbuf_char(&prefix, '\0');
    rows = account_db_rows(x->base->db, ACCOUNT_TABLE_MEMBERS, strbuf_slice(&prefix), SLICE(""));
    while (rows != NULL && !x->full && (rc = account_rows_next(rows, &key, &value)) == 1) {
        struct slice member = keep(x, slice_sub(key, prefix.len, key.len));

        if (member.ptr != NULL)
            follow(x, member, kept_via, here);
    }
    account_rows_close(&rows);
    if (rc < 0 && !x->full)
        emit_failure(x, here->address, kept_via, "4.3.0", "account base failed");
    if (record_bool(&hit->entry, GROUP_SHOW_MEMBERS) && x->count > first && !x->by_rule)
        show_group(x, hit, here);
    strbuf_free(&prefix);
    strbuf_free(&via);
}

/* A bounce of what was forwarded goes on to who sent that. smtpd has asked already. */
static bool
follow_srs(struct expansion *x, struct slice address, struct slice via, const struct step *here)
{
    struct strbuf sender = strbuf_new(ADDRESS_MAX);
    enum srs_found found =
        x->base->srs == NULL ? SRS_NONE : srs_reverse(x->base->srs, address, x->now_ms, &sender);

    if (found == SRS_GOOD && x->sender.len == 0) {
        struct slice kept = keep(x, strbuf_slice(&sender));

        if (kept.ptr != NULL)
            follow(x, kept, SLICE("srs"), here);
    } else if (found != SRS_NONE) {
        emit_failure(x, address, via, "5.1.1",
                     "this address takes bounces of forwarded mail alone");
    }
    strbuf_free(&sender);
    return found != SRS_NONE;
}

/* DIR-09: what a domain does with mail for a mailbox that it does not have. Sent to the same
 * address it may come back: it counts as a forward, which leaves a trace. */
static void
follow_unknown(struct expansion *x, struct slice address, const struct account_hit *hit,
               struct slice via, const struct step *here)
{
    if (follow_srs(x, address, via, here))
        return;
    if (record_is(&hit->domain, DOMAIN_UNKNOWN, "remote"))
        emit_remote(x, address, via.len > 0 ? via : SLICE("unknown mailbox"), here);
    else if (record_is(&hit->domain, DOMAIN_UNKNOWN, "deliver") &&
             !comes_from(here->parent, here->address))
        follow(x, record_get(&hit->domain, DOMAIN_UNKNOWN_ADDRESS), SLICE("unknown mailbox"), here);
    else if (record_is(&hit->domain, DOMAIN_UNKNOWN, "notify"))
        emit_unknown(x, address, via, record_get(&hit->domain, DOMAIN_ADMIN_ADDRESS));
    else
        emit_failure(x, address, via, "5.1.1", "no such mailbox");
}

/* IMP-12. smtpd has asked already, but the way here may lead through aliases and groups. */
static void
follow_public(struct expansion *x, const struct account_hit *hit, struct slice via,
              const struct step *here)
{
    if (x->by_rule || (public_rights(&hit->entry, x->auth_user) & RIGHT_POST) != 0)
        emit_mailbox(x, hit, via);
    else
        emit_failure(x, here->address, via, "5.7.1", "sender may not write to this public folder");
}

static void
follow_entry(struct expansion *x, const struct account_hit *hit, struct slice via,
             const struct step *here)
{
    if (hit->entry.kind == ACCOUNT_USER)
        follow_user(x, hit, via, here);
    else if (hit->entry.kind == ACCOUNT_GROUP)
        follow_group(x, hit, here);
    else if (hit->entry.kind == ACCOUNT_PUBLIC)
        follow_public(x, hit, via, here);
    else
        follow(x, record_get(&hit->entry, ALIAS_TARGET), SLICE("alias"), here);
}

/* An address of ours that was met before: nothing more, unless forwarding came back to a mailbox
 * that keeps no copy by itself. */
static void
meet_again(struct expansion *x, const struct account_hit *hit, struct slice via,
           const struct step *parent)
{
    if (hit->entry.kind == ACCOUNT_USER && !record_bool(&hit->entry, USER_FORWARD_KEEP) &&
        comes_from(parent, strbuf_slice(&hit->address)) &&
        account_user_state(&hit->entry, x->now_ms) != ACCOUNT_DISABLED &&
        !has_target(x, x->source_first, strbuf_slice(&hit->address)))
        emit_mailbox(x, hit, via);
}

static void
follow(struct expansion *x, struct slice address, struct slice via, const struct step *parent)
{
    struct account_hit hit = account_hit_new();
    enum account_found found = account_find(x->base, address, &hit);
    struct step here = {.parent = parent, .depth = parent == NULL ? 0 : parent->depth + 1};

    here.by_name = parent == NULL || (parent->by_name && slice_eq(via, SLICE("alias")));

    if (here.depth > EXPAND_DEPTH_MAX) {
        emit_failure(x, address, via, "5.4.6", "aliases, groups and forwards nest too deep");
    } else if (found == ACCOUNT_TROUBLE) {
        emit_failure(x, address, via, "4.3.0", "account base failed");
    } else if (found == ACCOUNT_FOREIGN) {
        emit_remote(x, address, via, parent);
    } else if (found == ACCOUNT_FOUND && was_seen(x, strbuf_slice(&hit.address))) {
        meet_again(x, &hit, via, parent);
    } else {
        here.address = keep(x, found == ACCOUNT_FOUND ? strbuf_slice(&hit.address) : address);
        if (here.address.ptr != NULL && found == ACCOUNT_FOUND) {
            remember(x, here.address);
            follow_entry(x, &hit, via, &here);
        } else if (here.address.ptr != NULL) {
            follow_unknown(x, address, &hit, via, &here);
        }
    }
    account_hit_free(&hit);
}

/* Half of an answer is none: the source gets one failure in place of what it has so far. */
static void
replace_by_failure(struct expansion *x, struct slice address, const char *dsn, const char *text)
{
    const struct accountd_target target = {.kind = ACCOUNTD_TO_FAILURE,
                                           .address = arena_copy(&x->arena, address),
                                           .dsn = slice_of(dsn),
                                           .text = slice_of(text)};

    x->count = x->source_first;
    push(x, &target);
}

void
expansion_add(struct expansion *x, uint16_t source, const struct accountd_recipient *recipient)
{
    struct slice address = recipient->address;

    x->source = source;
    x->named = address;
    x->auth_user = recipient->auth_user;
    x->sender = recipient->sender;
    x->by_rule = recipient->by_rule;
    x->is_free = origin_is_free(address);
    origin_free(&x->origin);
    x->origin = (struct origin){.is_ours = false};
    x->sender_judged = false;
    x->source_first = x->count;
    memset(x->seen, 0, x->seen_places * sizeof(*x->seen));
    x->seen_count = 0;
    if (!x->full)
        follow(x, address, SLICE(""), NULL);
    if (x->full) /* a smaller batch may do */
        replace_by_failure(x, address, "4.5.3", "expands to too many addresses");
    else if (x->count == x->source_first)
        replace_by_failure(x, address, "5.2.4",
                           "leads to no mailbox: an empty group, or a circle of forwards");
}
