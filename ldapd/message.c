/*
 * ldapd/message.c - one request of a client: its envelope, its controls, its filter.
 *
 * Input: bytes from the network. Every length, depth and count is bounded here. No I/O.
 */
#include "ldapd/message.h"

enum { HEADER_MIN = 2, ID_MAX = INT32_MAX };

/* The tags of a filter's choices, RFC 4511 section 4.5.1. */
enum {
    TAG_AND = 0xa0,
    TAG_OR = 0xa1,
    TAG_NOT = 0xa2,
    TAG_EQUAL = 0xa3,
    TAG_SUBSTRINGS = 0xa4,
    TAG_GREATER = 0xa5,
    TAG_LESS = 0xa6,
    TAG_PRESENT = 0x87,
    TAG_APPROX = 0xa8,
    TAG_EXTENSIBLE = 0xa9,
    TAG_INITIAL = 0x80,
    TAG_ANY = 0x81,
    TAG_FINAL = 0x82,
    TAG_RULE = 0x81,
    TAG_TYPE = 0x82,
    TAG_VALUE = 0x83,
    TAG_OF_DN = 0x84,
    TAG_CONTROLS = 0xa0
};

/* ---- the envelope ---- */

int64_t
message_length(struct slice bytes)
{
    size_t count, len = 0;

    if (bytes.len > 0 && (unsigned char)bytes.ptr[0] != BER_SEQUENCE)
        return -1;
    if (bytes.len < HEADER_MIN)
        return 0;
    if (((unsigned char)bytes.ptr[1] & 0x80) == 0)
        return HEADER_MIN + (int64_t)bytes.ptr[1];
    count = (unsigned char)bytes.ptr[1] & 0x7f;
    if (count == 0 || count > 4) /* a length without end (RFC 4511 section 5.1), or far too long */
        return -1;
    if (bytes.len < HEADER_MIN + count)
        return 0;
    for (size_t i = 0; i < count; i++)
        len = len << 8 | (unsigned char)bytes.ptr[HEADER_MIN + i];
    return len > LDAP_MESSAGE_MAX ? -1 : (int64_t)(HEADER_MIN + count + len);
}

static int
take_control(struct slice *rest, struct message_control *control)
{
    struct slice content;

    *control = (struct message_control){.critical = false};
    if (ber_take(rest, BER_SEQUENCE, &content) < 0 ||
        ber_take(&content, BER_OCTETS, &control->oid) < 0)
        return -1;
    if (ber_next_is(content, BER_BOOLEAN) && ber_take_bool(&content, &control->critical) < 0)
        return -1;
    if (content.len == 0)
        return 0;
    control->has_value = true;
    return ber_take(&content, BER_OCTETS, &control->value) < 0 || content.len > 0 ? -1 : 0;
}

static int
take_controls(struct slice list, struct message *message)
{
    message->control_count = 0;
    while (list.len > 0) {
        if (message->control_count == LDAP_CONTROLS_MAX ||
            take_control(&list, &message->controls[message->control_count]) < 0)
            return -1;
        message->control_count++;
    }
    return 0;
}

int
message_decode(struct slice bytes, struct message *message)
{
    struct slice content, list = SLICE("");

    if (ber_take(&bytes, BER_SEQUENCE, &content) < 0 || bytes.len > 0 ||
        ber_take_number(&content, BER_INTEGER, ID_MAX, &message->id) < 0 ||
        ber_take_any(&content, &message->op, &message->body) != 1)
        return -1;
    if (content.len > 0 && (ber_take(&content, TAG_CONTROLS, &list) < 0 || content.len > 0))
        return -1;
    return take_controls(list, message);
}

const struct message_control *
message_control_find(const struct message *message, const char *oid)
{
    for (size_t i = 0; i < message->control_count; i++)
        if (slice_eq(message->controls[i].oid, slice_of(oid)))
            return &message->controls[i];
    return NULL;
}

/* ---- filters ---- */

static int take_filter(struct slice *rest, struct ldap_filter *filter, unsigned depth);

/* A description with options (RFC 4512 section 2.5) is none of our attributes. */
static int
leaf(struct ldap_filter *filter, enum ldap_filter_op op, struct slice description)
{
    return ldap_filter_open(filter, op, ldap_attribute_find(description));
}

static int
take_children(struct slice content, struct ldap_filter *filter, enum ldap_filter_op op,
              unsigned depth)
{
    int index = ldap_filter_open(filter, op, LDAP_ATTR_UNKNOWN);
    unsigned children = 0;

    for (; index >= 0 && content.len > 0; children++)
        if (take_filter(&content, filter, depth + 1) < 0)
            return -1;
    if (index < 0 || (op == LDAP_FILTER_NOT && children != 1))
        return -1;
    ldap_filter_close(filter, index, children);
    return 0;
}

static int
take_assertion(struct slice content, struct ldap_filter *filter, enum ldap_filter_op op)
{
    struct slice description, value;

    if (ber_take(&content, BER_OCTETS, &description) < 0 ||
        ber_take(&content, BER_OCTETS, &value) < 0 || content.len > 0 ||
        leaf(filter, op, description) < 0)
        return -1;
    return ldap_filter_part(filter, LDAP_PART_WHOLE, value);
}

static int
take_substrings(struct slice content, struct ldap_filter *filter)
{
    struct slice description, parts, value;
    bool ended = false;
    unsigned tag;

    if (ber_take(&content, BER_OCTETS, &description) < 0 ||
        ber_take(&content, BER_SEQUENCE, &parts) < 0 || content.len > 0 || parts.len == 0 ||
        leaf(filter, LDAP_FILTER_SUBSTRING, description) < 0)
        return -1;
    for (bool first = true; parts.len > 0; first = false) {
        enum ldap_filter_part_kind kind = LDAP_PART_ANY;

        if (ended || ber_take_any(&parts, &tag, &value) != 1 || value.len == 0)
            return -1;
        if (tag == TAG_INITIAL && first)
            kind = LDAP_PART_INITIAL;
        else if (tag == TAG_FINAL)
            kind = LDAP_PART_FINAL;
        else if (tag != TAG_ANY)
            return -1;
        ended = kind == LDAP_PART_FINAL;
        if (ldap_filter_part(filter, kind, value) < 0)
            return -1;
    }
    return 0;
}

/* RFC 4511 section 4.5.1.7.7. A rule that we do not have makes the item undefined. */
static int
take_extensible(struct slice content, struct ldap_filter *filter)
{
    struct slice rule = {NULL, 0}, type = {NULL, 0}, value, of_dn = {NULL, 0};
    struct ldap_filter_node *node;
    int index;

    if (ber_next_is(content, TAG_RULE) && ber_take(&content, TAG_RULE, &rule) < 0)
        return -1;
    if (ber_next_is(content, TAG_TYPE) && ber_take(&content, TAG_TYPE, &type) < 0)
        return -1;
    if ((rule.ptr == NULL && type.ptr == NULL) || ber_take(&content, TAG_VALUE, &value) < 0)
        return -1;
    if (content.len > 0 && (ber_take(&content, TAG_OF_DN, &of_dn) < 0 || of_dn.len != 1))
        return -1;
    index = ldap_filter_open(filter, LDAP_FILTER_EXTENSIBLE,
                             type.ptr == NULL ? LDAP_ATTR_ANY : ldap_attribute_find(type));
    if (index < 0 || content.len > 0)
        return -1;
    node = &filter->nodes[index];
    node->of_dn = of_dn.len == 1 && of_dn.ptr[0] != 0;
    node->has_rule = rule.ptr != NULL;
    if (node->has_rule && ldap_match_find(rule, &node->match) < 0)
        node->attribute = LDAP_ATTR_UNKNOWN;
    return ldap_filter_part(filter, LDAP_PART_WHOLE, value);
}

static int
take_item(unsigned tag, struct slice content, struct ldap_filter *filter)
{
    switch (tag) {
    case TAG_EQUAL:
        return take_assertion(content, filter, LDAP_FILTER_EQUAL);
    case TAG_SUBSTRINGS:
        return take_substrings(content, filter);
    case TAG_GREATER:
        return take_assertion(content, filter, LDAP_FILTER_GREATER);
    case TAG_LESS:
        return take_assertion(content, filter, LDAP_FILTER_LESS);
    case TAG_PRESENT:
        return leaf(filter, LDAP_FILTER_PRESENT, content) < 0 ? -1 : 0;
    case TAG_APPROX:
        return take_assertion(content, filter, LDAP_FILTER_APPROX);
    case TAG_EXTENSIBLE:
        return take_extensible(content, filter);
    default:
        return -1;
    }
}

static int
take_filter(struct slice *rest, struct ldap_filter *filter, unsigned depth)
{
    struct slice content;
    unsigned tag;

    if (depth >= LDAP_FILTER_DEPTH_MAX || ber_take_any(rest, &tag, &content) != 1)
        return -1;
    switch (tag) {
    case TAG_AND:
        return take_children(content, filter, LDAP_FILTER_AND, depth);
    case TAG_OR:
        return take_children(content, filter, LDAP_FILTER_OR, depth);
    case TAG_NOT:
        return take_children(content, filter, LDAP_FILTER_NOT, depth);
    default:
        return take_item(tag, content, filter);
    }
}

int
message_take_filter(struct slice *rest, struct ldap_filter *filter)
{
    ldap_filter_clear(filter);
    return take_filter(rest, filter, 0);
}

int
message_take_values_filter(struct slice *rest, struct ldap_filter *filter)
{
    struct slice items, content;
    unsigned children = 0, tag;
    int index;

    ldap_filter_clear(filter);
    index = ldap_filter_open(filter, LDAP_FILTER_OR, LDAP_ATTR_UNKNOWN);
    if (index < 0 || ber_take(rest, BER_SEQUENCE, &items) < 0 || items.len == 0)
        return -1;
    for (; items.len > 0; children++)
        if (ber_take_any(&items, &tag, &content) != 1 || take_item(tag, content, filter) < 0)
            return -1;
    ldap_filter_close(filter, index, children);
    return 0;
}
