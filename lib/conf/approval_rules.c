/*
 * lib/conf/approval_rules.c - entries of the list file queue.approval_rules, and what they decide.
 *
 * Input: written by the administrator, checked by approval_rule_expected; the message's addresses
 * are what smtpd has taken. No I/O.
 */
#include "lib/conf/approval_rules.h"

#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/mail/address.h"

static const char expected[] = "NAME MAILBOXES [external=APPROVERS] [local=APPROVERS], lists of "
                               "addresses with commas";

struct approval_rules {
    struct list_file *list;
    struct approval_rule *rules;
    size_t count;
};

/* ---- one entry ---- */

static struct slice
take_word(struct slice *rest)
{
    size_t end = 0, next;
    struct slice word;

    while (end < rest->len && rest->ptr[end] != ' ' && rest->ptr[end] != '\t')
        end++;
    next = end;
    while (next < rest->len && (rest->ptr[next] == ' ' || rest->ptr[next] == '\t'))
        next++;
    word = slice_sub(*rest, 0, end);
    *rest = slice_sub(*rest, next, rest->len);
    return word;
}

static bool
is_address(struct slice text)
{
    struct address address;

    return address_parse(text, ADDRESS_UTF8, &address) == ADDRESS_OK &&
           slice_index(text, '"') == text.len && !slice_starts(text, SLICE("*@"));
}

/* An address, *@domain, or *. */
static bool
is_mailbox(struct slice text)
{
    if (slice_starts(text, SLICE("*@")))
        return address_is_domain(slice_sub(text, 2, text.len), true);
    return slice_eq(text, SLICE("*")) || is_address(text);
}

/* One of `list` at least, and all of them right. */
static bool
all_are(struct slice list, bool (*is)(struct slice text))
{
    bool right = list.len > 0 && list.ptr[list.len - 1] != ',';

    while (right && list.len > 0)
        right = is(slice_split(&list, ','));
    return right;
}

static uint8_t
kind_of(struct slice *word)
{
    static const struct {
        struct slice name;
        uint8_t kind;
    } kinds[] = {{{"external=", 9}, APPROVAL_EXTERNAL}, {{"local=", 6}, APPROVAL_LOCAL}};

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (!slice_starts(*word, kinds[i].name))
            continue;
        *word = slice_sub(*word, kinds[i].name.len, word->len);
        return kinds[i].kind;
    }
    return 0;
}

/* Who approves both kinds is one approver. False: there are too many. */
static bool
add_approver(struct approval_rule *rule, struct slice address, uint8_t kind)
{
    for (size_t i = 0; i < rule->approver_count; i++)
        if (slice_eq_nocase(rule->approvers[i].address, address)) {
            rule->approvers[i].kinds |= kind;
            return true;
        }
    if (rule->approver_count == APPROVAL_APPROVERS_MAX)
        return false;
    rule->approvers[rule->approver_count++] = (struct approval_approver){address, kind};
    return true;
}

/* What was expected, or NULL. */
static const char *
parse(struct slice entry, struct approval_rule *rule)
{
    uint8_t seen = 0;

    *rule = (struct approval_rule){.name = take_word(&entry), .mailboxes = take_word(&entry)};
    if (rule->name.len > APPROVAL_NAME_MAX)
        return "NAME MAILBOXES ..., the name of at most 64 bytes";
    if (!all_are(rule->mailboxes, is_mailbox))
        return "NAME MAILBOXES ..., each mailbox user@domain, *@domain or *";
    while (entry.len > 0) {
        struct slice word = take_word(&entry);
        uint8_t kind = kind_of(&word);

        if (kind == 0 || (seen & kind) != 0)
            return expected;
        seen |= kind;
        if (!all_are(word, is_address))
            return "addresses with commas behind external= and local=";
        while (word.len > 0)
            if (!add_approver(rule, slice_split(&word, ','), kind))
                return "at most 16 approvers";
    }
    return seen == 0 ? expected : NULL;
}

const char *
approval_rule_expected(struct slice entry)
{
    struct approval_rule rule;

    return parse(entry, &rule);
}

void
approval_rule_parse(struct slice entry, struct approval_rule *rule)
{
    assert_always(parse(entry, rule) == NULL);
}

/* ---- all of them ---- */

struct approval_rules *
approval_rules_new(struct list_file *list)
{
    struct approval_rules *rules = xcalloc(1, sizeof(*rules));

    rules->list = list;
    rules->rules = xcalloc(list->count + 1, sizeof(*rules->rules));
    for (; rules->count < list->count; rules->count++) {
        approval_rule_parse(list->entries[rules->count].text, &rules->rules[rules->count]);
        rules->rules[rules->count].line = list->entries[rules->count].line;
    }
    return rules;
}

void
approval_rules_free(struct approval_rules **rulesp)
{
    if (*rulesp == NULL)
        return;
    xfree(&(*rulesp)->rules);
    list_file_free(&(*rulesp)->list);
    xfree(rulesp);
}

static bool
names(const struct approval_rule *rule, struct slice address)
{
    struct slice list = rule->mailboxes;
    struct slice domain = slice_sub(address, slice_rindex(address, '@'), address.len);

    while (address.len > 0 && list.len > 0) {
        struct slice one = slice_split(&list, ',');

        if (slice_eq(one, SLICE("*")) || slice_eq_nocase(one, address) ||
            (slice_starts(one, SLICE("*@")) && slice_eq_nocase(slice_sub(one, 1, one.len), domain)))
            return true;
    }
    return false;
}

static const struct approval_rule *
find(const struct approval_rules *rules, const struct approval_mail *mail)
{
    for (size_t i = 0; rules != NULL && i < rules->count; i++)
        if (names(&rules->rules[i], mail->user) || names(&rules->rules[i], mail->sender))
            return &rules->rules[i];
    return NULL;
}

void
approval_decide(const struct approval_rules *rules, const struct approval_mail *mail,
                struct approval_decision *decision)
{
    struct slice who = mail->user.len > 0 ? mail->user : mail->sender;
    uint8_t has = (uint8_t)((mail->to_external ? APPROVAL_EXTERNAL : 0) |
                            (mail->to_local ? APPROVAL_LOCAL : 0));
    uint8_t asked = 0, own = 0;

    *decision = (struct approval_decision){.why = "no mail of a user's"};
    if (mail->by_system || !mail->began_here)
        return;
    decision->why = "no rule names the sender";
    decision->rule = find(rules, mail);
    if (decision->rule == NULL)
        return;
    for (size_t i = 0; i < decision->rule->approver_count; i++) {
        const struct approval_approver *approver = &decision->rule->approvers[i];

        asked |= approver->kinds;
        if (slice_eq_nocase(approver->address, who))
            own = approver->kinds;
    }
    decision->kinds = (uint8_t)(has & asked & ~own);
    decision->why = decision->kinds != 0       ? "the rule names the sender"
                    : (has & asked & own) != 0 ? "the sender is an approver himself"
                                               : "the rule has no approvers for such recipients";
}
