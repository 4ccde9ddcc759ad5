/*
 * lib/mail/footer.c - which parts of a message get the signature, and the message with it. Input: a
 * message that a client wrote. No I/O.
 *
 * The result is parsed again: if its parts are not those of the original, the original stands.
 */
#include "lib/mail/footer.h"

#include "lib/mail/content_type.h"
#include "lib/mail/footer_part.h"

#define EDITS_MAX 16 /* texts of one message */
#define DEPTH_MAX 16

struct plan {
    const struct mime *m;
    const struct footer *footer;
    struct footer_edit edits[EDITS_MAX];
    size_t count;
    bool refused; /* nothing of the message may change */
};

static bool
is_any(struct slice text, const char *const *names)
{
    for (; *names != NULL; names++)
        if (slice_eq_nocase(text, slice_of(*names)))
            return true;
    return false;
}

/* RFC 1847, RFC 8551, RFC 3156, RFC 6522. */
static bool
may_not_change(const struct mime_part *part)
{
    static const char *const multiparts[] = {"signed", "encrypted", "report", NULL};
    static const char *const applications[] = {"pkcs7-mime",
                                               "x-pkcs7-mime",
                                               "pkcs7-signature",
                                               "x-pkcs7-signature",
                                               "pgp-encrypted",
                                               "pgp-signature",
                                               "pgp",
                                               NULL};

    if (slice_eq_nocase(part->type, SLICE("multipart")))
        return is_any(part->subtype, multiparts);
    return slice_eq_nocase(part->type, SLICE("application")) && is_any(part->subtype, applications);
}

static bool
is_attachment(const struct mime *m, const struct mime_part *part)
{
    struct slice fields = mime_content_fields(m, part);
    struct arena arena = {NULL};
    struct content_value value;
    struct header_field field;
    bool is = mime_field_find(fields, "Content-Disposition", &field) &&
              content_disposition_parse(field.body, &arena, &value) &&
              slice_eq_nocase(value.type, SLICE("attachment"));

    arena_free(&arena);
    return is;
}

static void
plan_leaf(struct plan *plan, const struct mime_part *part)
{
    static const char *const texts[] = {"plain", "html", NULL};

    if (!slice_eq_nocase(part->type, SLICE("text")) || !is_any(part->subtype, texts) ||
        is_attachment(plan->m, part) || plan->count == EDITS_MAX)
        return;
    switch (footer_part_edit(plan->m, part, plan->footer, &plan->edits[plan->count])) {
    case FOOTER_EDIT:
        plan->count++;
        break;
    case FOOTER_SIGNED:
        plan->refused = true;
        break;
    case FOOTER_THERE:
    case FOOTER_UNFIT:
        break;
    }
}

/* In the order of the message, as deep as people write. */
static void
plan_part(struct plan *plan, uint32_t index, unsigned depth)
{
    const struct mime_part *part = &plan->m->parts[index];
    bool all = slice_eq_nocase(part->subtype, SLICE("alternative"));

    if (part->kind == MIME_LEAF)
        plan_leaf(plan, part);
    if (part->kind != MIME_MULTIPART || depth == DEPTH_MAX)
        return;
    for (uint32_t i = part->first_child; i != MIME_NONE; i = plan->m->parts[i].next) {
        plan_part(plan, i, depth + 1);
        if (!all)
            break;
    }
}

/* A header section with an empty line behind it, and no signature over the message in it. */
static bool
has_fit_header(const struct mime *m)
{
    struct slice header = slice_sub(m->message, 0, m->parts[0].body);
    struct header_field field;

    return header_section_len(header, 0) == header.len && header.len > 2 &&
           !header_find(header, "DKIM-Signature", &field);
}

static bool
splice(const struct plan *plan, struct strbuf *out)
{
    size_t at = 0;

    for (size_t i = 0; i < plan->count; i++) {
        const struct footer_edit *edit = &plan->edits[i];

        if (edit->from < at)
            return false;
        (void)strbuf_append(out, slice_sub(plan->m->message, at, edit->from));
        (void)strbuf_append(out, strbuf_slice(&edit->bytes));
        at = edit->to;
    }
    return strbuf_append(out, slice_sub(plan->m->message, at, plan->m->message.len)) &&
           !out->overflow;
}

static bool
has_same_parts(const struct mime *m, struct slice message)
{
    struct mime again;
    bool same;

    mime_parse(message, &again);
    same = again.count == m->count;
    for (uint32_t i = 0; same && i < m->count; i++)
        same = again.parts[i].kind == m->parts[i].kind &&
               again.parts[i].parent == m->parts[i].parent &&
               slice_eq_nocase(again.parts[i].type, m->parts[i].type) &&
               slice_eq_nocase(again.parts[i].subtype, m->parts[i].subtype);
    mime_free(&again);
    return same;
}

bool
footer_insert(struct slice message, const struct footer *footer, struct strbuf *out)
{
    struct plan plan = {.footer = footer};
    size_t start = out->len;
    struct mime m;
    bool done = false;

    mime_parse(message, &m);
    plan.m = &m;
    plan.refused = m.limits_matter || !has_fit_header(&m);
    for (uint32_t i = 0; i < m.count; i++)
        plan.refused |= may_not_change(&m.parts[i]);
    if (!plan.refused)
        plan_part(&plan, 0, 0);
    if (!plan.refused && plan.count > 0)
        done =
            splice(&plan, out) && has_same_parts(&m, slice_sub(strbuf_slice(out), start, out->len));
    if (!done)
        strbuf_truncate(out, start);
    for (size_t i = 0; i < plan.count; i++)
        footer_edit_free(&plan.edits[i]);
    mime_free(&m);
    return done;
}
