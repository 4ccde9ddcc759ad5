/*
 * ldapd/root.c - the root DSE and the schema: two entries that anybody may read.
 *
 * The schema is written from the table of attributes, with the definitions of RFC 4512, 4519, 4524
 * and 2798 for the classes.
 */
#include "ldapd/root.h"

#define TEXT_MAX 4096
#define ENTRY_MAX ((size_t)256 << 10)

static const char *const root_classes[] = {"top"};
static const char *const schema_classes[] = {"top", "subentry", "subschema"};

/* An entry that is put together. */
struct making {
    struct session *s;
    const struct query *query;
    struct strbuf attributes;
    size_t attribute, values;
    bool is_wanted;
};

static void
begin_attribute(struct making *m, const char *name, bool is_operational)
{
    m->is_wanted = query_wants_name(m->query, name, is_operational);
    if (!m->is_wanted)
        return;
    m->attribute = ber_begin(&m->attributes, BER_SEQUENCE);
    ber_put(&m->attributes, BER_OCTETS, slice_of(name));
    m->values = ber_begin(&m->attributes, BER_SET);
}

static void
put_value(struct making *m, struct slice value)
{
    if (m->is_wanted && !m->query->types_only)
        ber_put(&m->attributes, BER_OCTETS, value);
}

static void
end_attribute(struct making *m)
{
    if (!m->is_wanted)
        return;
    ber_end(&m->attributes, m->values);
    ber_end(&m->attributes, m->attribute);
}

static void
put_attribute(struct making *m, const char *name, bool is_operational, const char *const *values,
              size_t count)
{
    begin_attribute(m, name, is_operational);
    for (size_t i = 0; i < count; i++)
        put_value(m, slice_of(values[i]));
    end_attribute(m);
}

static struct making
making_new(struct session *s, const struct query *query)
{
    return (struct making){.s = s, .query = query, .attributes = strbuf_new(ENTRY_MAX)};
}

/* Of these entries searches know the object classes alone: what is of an attribute that we have
 * otherwise does not fit, what is of another one is undefined (RFC 4511 section 4.5.1.7). */
static enum ldap_truth
item_fits(struct ldap_filter *filter, int index, const char *const *classes, size_t count)
{
    const struct ldap_filter_node *node = &filter->nodes[index];

    if (node->attribute == LDAP_ATTR_UNKNOWN || node->attribute == LDAP_ATTR_ANY ||
        node->is_invalid)
        return LDAP_UNDEFINED;
    if (node->attribute != LDAP_ATTR_OBJECT_CLASS)
        return LDAP_FALSE;
    if (node->op == LDAP_FILTER_PRESENT)
        return LDAP_TRUE;
    if (node->op != LDAP_FILTER_EQUAL)
        return LDAP_UNDEFINED;
    for (size_t i = 0; i < count; i++)
        if (ldap_filter_match_value(filter, index, slice_of(classes[i])))
            return LDAP_TRUE;
    return LDAP_FALSE;
}

/* One of AND's values, or of OR's, decides; what is undefined counts when none does. */
static enum ldap_truth
joined(enum ldap_truth result, enum ldap_truth one, enum ldap_truth decides)
{
    if (result == decides || one == decides)
        return decides;
    return result == LDAP_UNDEFINED ? result : one;
}

static enum ldap_truth
negated(enum ldap_truth one)
{
    return one == LDAP_UNDEFINED ? one : one == LDAP_TRUE ? LDAP_FALSE : LDAP_TRUE;
}

/* The depth is bounded by the filter's. */
static enum ldap_truth
fits(struct ldap_filter *filter, int index, const char *const *classes, size_t count)
{
    const struct ldap_filter_node *node = &filter->nodes[index];
    enum ldap_truth result = node->op == LDAP_FILTER_AND ? LDAP_TRUE : LDAP_FALSE;
    enum ldap_truth decides = negated(result);
    int child = index + 1;

    if (node->op != LDAP_FILTER_AND && node->op != LDAP_FILTER_OR && node->op != LDAP_FILTER_NOT)
        return item_fits(filter, index, classes, count);
    if (node->op == LDAP_FILTER_NOT)
        return negated(fits(filter, child, classes, count));
    for (unsigned i = 0; i < node->children; i++, child += filter->nodes[child].width)
        result = joined(result, fits(filter, child, classes, count), decides);
    return result;
}

enum ldap_truth
root_fits(struct ldap_filter *filter, bool is_schema)
{
    return is_schema ? fits(filter, 0, schema_classes, ARRAY_LEN(schema_classes))
                     : fits(filter, 0, root_classes, ARRAY_LEN(root_classes));
}

/* Sends it, if it fits the filter. */
static void
send_entry(struct making *m, const char *name, const char *const *classes, size_t class_count)
{
    struct session *s = m->s;
    size_t start, op;

    if (fits(s->filter, 0, classes, class_count) == LDAP_TRUE) {
        start = session_begin(s, LDAP_OP_ENTRY, &op);
        ber_put(&s->out, BER_OCTETS, slice_of(name));
        ber_put(&s->out, BER_SEQUENCE, strbuf_slice(&m->attributes));
        ber_end(&s->out, op);
        session_send(s, start);
    }
    session_result(s, LDAP_OP_SEARCH_DONE, LDAP_SUCCESS, NULL);
    strbuf_free(&m->attributes);
}

/* ---- the root DSE ---- */

static void
put_mechanisms(struct making *m)
{
    struct session *s = m->s;
    const struct tls *tls = stream_tls(s->stream);
    unsigned char binding[32];
    struct slice list = slice_of(mechanisms_offered(
        s->server->mechanisms, tls != NULL, tls != NULL && tls_channel_binding(tls, binding) == 0,
        session_password_allowed(s)));

    begin_attribute(m, "supportedSASLMechanisms", true);
    while (list.len > 0) {
        struct slice name = slice_split(&list, ' ');

        if (!slice_eq(name, SLICE("LOGIN"))) /* it is none of SASL's */
            put_value(m, name);
    }
    end_attribute(m);
}

void
root_search(struct session *s, const struct query *query)
{
    static const char *const versions[] = {"3"}, *const vendor[] = {"Posthorn"},
                             *const schema[] = {LDAP_SUBSCHEMA_DN};
    static const char *const controls[] = {LDAP_OID_PAGED, LDAP_OID_SORT, LDAP_OID_MATCHED_VALUES,
                                           LDAP_OID_MANAGE_DSA_IT, LDAP_OID_ASSERTION};
    static const char *const extensions[] = {LDAP_OID_WHO_AM_I, LDAP_OID_PASSWORD,
                                             LDAP_OID_START_TLS};
    static const char *const features[] = {LDAP_OID_ALL_OPERATIONAL, LDAP_OID_TRUE_FALSE};
    struct making m = making_new(s, query);
    bool tls_possible = s->server->tls != NULL && stream_tls(s->stream) == NULL;

    put_attribute(&m, "objectClass", false, root_classes, ARRAY_LEN(root_classes));
    put_attribute(&m, "namingContexts", true, &s->server->names.base_text, 1);
    put_attribute(&m, "supportedLDAPVersion", true, versions, ARRAY_LEN(versions));
    put_attribute(&m, "supportedControl", true, controls, ARRAY_LEN(controls));
    put_attribute(&m, "supportedExtension", true, extensions,
                  ARRAY_LEN(extensions) - (tls_possible ? 0 : 1));
    put_attribute(&m, "supportedFeatures", true, features, ARRAY_LEN(features));
    put_mechanisms(&m);
    put_attribute(&m, "subschemaSubentry", true, schema, ARRAY_LEN(schema));
    put_attribute(&m, "vendorName", true, vendor, ARRAY_LEN(vendor));
    send_entry(&m, "", root_classes, ARRAY_LEN(root_classes));
}

/* ---- the schema ---- */

/* What RFC 4517 calls the matching of each kind. */
static const struct {
    const char *equality, *ordering, *substring, *syntax;
} syntaxes[] = {
    [LDAP_MATCH_TEXT] = {"caseIgnoreMatch", "caseIgnoreOrderingMatch", "caseIgnoreSubstringsMatch",
                         "1.3.6.1.4.1.1466.115.121.1.15"},
    [LDAP_MATCH_PHONE] = {"telephoneNumberMatch", NULL, "telephoneNumberSubstringsMatch",
                          "1.3.6.1.4.1.1466.115.121.1.50"},
    [LDAP_MATCH_OID] = {"objectIdentifierMatch", NULL, NULL, "1.3.6.1.4.1.1466.115.121.1.38"},
    [LDAP_MATCH_DN] = {"distinguishedNameMatch", NULL, NULL, "1.3.6.1.4.1.1466.115.121.1.12"},
    [LDAP_MATCH_TIME] = {"generalizedTimeMatch", "generalizedTimeOrderingMatch", NULL,
                         "1.3.6.1.4.1.1466.115.121.1.24"},
};

static void
put_attribute_type(struct making *m, const struct ldap_attribute_row *row)
{
    struct strbuf text = strbuf_new(TEXT_MAX);
    struct slice names = slice_of(row->names);
    bool several = slice_index(names, ' ') < names.len;

    (void)strbuf_printf(&text, "( %s NAME %s", row->oid, several ? "( " : "");
    while (names.len > 0) {
        struct slice name = slice_split(&names, ' ');

        (void)strbuf_printf(&text, "'%.*s' ", (int)name.len, name.ptr);
    }
    (void)strbuf_printf(&text, "%sEQUALITY %s", several ? ") " : "", syntaxes[row->match].equality);
    if (syntaxes[row->match].ordering != NULL)
        (void)strbuf_printf(&text, " ORDERING %s", syntaxes[row->match].ordering);
    if (syntaxes[row->match].substring != NULL)
        (void)strbuf_printf(&text, " SUBSTR %s", syntaxes[row->match].substring);
    (void)strbuf_printf(&text, " SYNTAX %s", syntaxes[row->match].syntax);
    if ((row->flags & LDAP_OPERATIONAL) != 0)
        (void)strbuf_str(&text, " NO-USER-MODIFICATION USAGE directoryOperation");
    (void)strbuf_str(&text, " )");
    put_value(m, strbuf_slice(&text));
    strbuf_free(&text);
}

/* Attributes of the root DSE and of the schema itself (RFC 4512 sections 3.4, 4.2 and 5.1). */
static const char *const system_types[] = {
    "( 1.3.6.1.4.1.1466.101.120.5 NAME 'namingContexts' SYNTAX 1.3.6.1.4.1.1466.115.121.1.12 USAGE "
    "dSAOperation )",
    "( 1.3.6.1.4.1.1466.101.120.7 NAME 'supportedExtension' SYNTAX 1.3.6.1.4.1.1466.115.121.1.38 "
    "USAGE dSAOperation )",
    "( 1.3.6.1.4.1.1466.101.120.13 NAME 'supportedControl' SYNTAX 1.3.6.1.4.1.1466.115.121.1.38 "
    "USAGE dSAOperation )",
    "( 1.3.6.1.4.1.1466.101.120.14 NAME 'supportedSASLMechanisms' SYNTAX "
    "1.3.6.1.4.1.1466.115.121.1.15 USAGE dSAOperation )",
    "( 1.3.6.1.4.1.1466.101.120.15 NAME 'supportedLDAPVersion' SYNTAX "
    "1.3.6.1.4.1.1466.115.121.1.27 USAGE dSAOperation )",
    "( 1.3.6.1.4.1.4203.1.3.5 NAME 'supportedFeatures' EQUALITY objectIdentifierMatch SYNTAX "
    "1.3.6.1.4.1.1466.115.121.1.38 USAGE dSAOperation )",
    "( 1.3.6.1.1.4 NAME 'vendorName' EQUALITY caseExactMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 "
    "SINGLE-VALUE NO-USER-MODIFICATION USAGE dSAOperation )",
    "( 2.5.18.2 NAME 'modifyTimestamp' EQUALITY generalizedTimeMatch ORDERING "
    "generalizedTimeOrderingMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.24 SINGLE-VALUE "
    "NO-USER-MODIFICATION USAGE directoryOperation )",
    "( 2.5.21.1 NAME 'dITStructureRules' EQUALITY integerFirstComponentMatch SYNTAX "
    "1.3.6.1.4.1.1466.115.121.1.17 USAGE directoryOperation )",
    "( 2.5.21.2 NAME 'dITContentRules' EQUALITY objectIdentifierFirstComponentMatch SYNTAX "
    "1.3.6.1.4.1.1466.115.121.1.16 USAGE directoryOperation )",
    "( 2.5.21.4 NAME 'matchingRules' EQUALITY objectIdentifierFirstComponentMatch SYNTAX "
    "1.3.6.1.4.1.1466.115.121.1.30 USAGE directoryOperation )",
    "( 2.5.21.5 NAME 'attributeTypes' EQUALITY objectIdentifierFirstComponentMatch SYNTAX "
    "1.3.6.1.4.1.1466.115.121.1.3 USAGE directoryOperation )",
    "( 2.5.21.6 NAME 'objectClasses' EQUALITY objectIdentifierFirstComponentMatch SYNTAX "
    "1.3.6.1.4.1.1466.115.121.1.37 USAGE directoryOperation )",
    "( 2.5.21.7 NAME 'nameForms' EQUALITY objectIdentifierFirstComponentMatch SYNTAX "
    "1.3.6.1.4.1.1466.115.121.1.35 USAGE directoryOperation )",
    "( 2.5.21.8 NAME 'matchingRuleUse' EQUALITY objectIdentifierFirstComponentMatch SYNTAX "
    "1.3.6.1.4.1.1466.115.121.1.31 USAGE directoryOperation )",
    "( 1.3.6.1.4.1.1466.101.120.16 NAME 'ldapSyntaxes' EQUALITY "
    "objectIdentifierFirstComponentMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.54 USAGE "
    "directoryOperation )",
};

/* RFC 4517 section 4.2: those that filters may name, or that attributes have. */
static const char *const matching_rules[] = {
    "( 2.5.13.0 NAME 'objectIdentifierMatch' SYNTAX 1.3.6.1.4.1.1466.115.121.1.38 )",
    "( 2.5.13.1 NAME 'distinguishedNameMatch' SYNTAX 1.3.6.1.4.1.1466.115.121.1.12 )",
    "( 2.5.13.2 NAME 'caseIgnoreMatch' SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )",
    "( 2.5.13.3 NAME 'caseIgnoreOrderingMatch' SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )",
    "( 2.5.13.4 NAME 'caseIgnoreSubstringsMatch' SYNTAX 1.3.6.1.4.1.1466.115.121.1.58 )",
    "( 2.5.13.5 NAME 'caseExactMatch' SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )",
    "( 2.5.13.11 NAME 'caseIgnoreListMatch' SYNTAX 1.3.6.1.4.1.1466.115.121.1.41 )",
    "( 2.5.13.20 NAME 'telephoneNumberMatch' SYNTAX 1.3.6.1.4.1.1466.115.121.1.50 )",
    "( 2.5.13.21 NAME 'telephoneNumberSubstringsMatch' SYNTAX 1.3.6.1.4.1.1466.115.121.1.58 )",
    "( 2.5.13.27 NAME 'generalizedTimeMatch' SYNTAX 1.3.6.1.4.1.1466.115.121.1.24 )",
    "( 2.5.13.28 NAME 'generalizedTimeOrderingMatch' SYNTAX 1.3.6.1.4.1.1466.115.121.1.24 )",
    /* NOLINTNEXTLINE(bugprone-suspicious-missing-comma): one rule on two lines */
    "( 1.3.6.1.4.1.1466.109.114.2 NAME 'caseIgnoreIA5Match' SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 "
    ")",
};

static const char *const ldap_syntaxes[] = {
    "( 1.3.6.1.4.1.1466.115.121.1.12 DESC 'DN' )",
    "( 1.3.6.1.4.1.1466.115.121.1.15 DESC 'Directory String' )",
    "( 1.3.6.1.4.1.1466.115.121.1.24 DESC 'Generalized Time' )",
    "( 1.3.6.1.4.1.1466.115.121.1.38 DESC 'OID' )",
    "( 1.3.6.1.4.1.1466.115.121.1.50 DESC 'Telephone Number' )",
};

static const char *const object_classes[] = {
    "( 2.5.6.0 NAME 'top' ABSTRACT MUST objectClass )",
    "( 2.5.6.4 NAME 'organization' SUP top STRUCTURAL MUST o MAY ( street $ l $ st $ postalCode $ "
    "telephoneNumber $ facsimileTelephoneNumber $ physicalDeliveryOfficeName $ description ) )",
    "( 2.5.6.5 NAME 'organizationalUnit' SUP top STRUCTURAL MUST ou MAY ( street $ l $ st $ "
    "postalCode $ telephoneNumber $ facsimileTelephoneNumber $ physicalDeliveryOfficeName $ "
    "description ) )",
    "( 0.9.2342.19200300.100.4.13 NAME 'domain' SUP top STRUCTURAL MUST dc MAY ( o $ description ) "
    ")",
    "( 2.5.6.6 NAME 'person' SUP top STRUCTURAL MUST ( sn $ cn ) MAY ( telephoneNumber $ "
    "description ) )",
    "( 2.5.6.7 NAME 'organizationalPerson' SUP person STRUCTURAL MAY ( title $ "
    "facsimileTelephoneNumber $ street $ postalAddress $ postalCode $ physicalDeliveryOfficeName $ "
    "ou $ st $ l ) )",
    "( 2.16.840.1.113730.3.2.2 NAME 'inetOrgPerson' SUP organizationalPerson STRUCTURAL MAY ( "
    "displayName $ givenName $ homePhone $ homePostalAddress $ mail $ mobile $ o $ pager $ "
    "roomNumber $ uid ) )",
    "( " LDAP_OUR_ARC ".2.1 NAME 'posthornPerson' SUP top AUXILIARY MAY ( c $ co $ ipPhone $ "
    "homeFacsimileTelephoneNumber $ mozillaHomeStreet $ mozillaSecondEmail ) )",
    "( 2.5.6.9 NAME 'groupOfNames' SUP top STRUCTURAL MUST ( member $ cn ) MAY ( o $ ou $ "
    "description ) )",
    "( " LDAP_OUR_ARC
    ".2.2 NAME 'posthornGroup' DESC 'a group whose members are not shown' SUP top "
    "STRUCTURAL MUST cn MAY ( o $ ou $ description ) )",
    "( " LDAP_OUR_ARC ".2.3 NAME 'posthornMailGroup' SUP top AUXILIARY MAY ( displayName $ mail $ "
    "memberMail ) )",
};

void
root_search_schema(struct session *s, const struct query *query)
{
    static const char *const cn[] = {"Subschema"};
    struct making m = making_new(s, query);

    if (query->scope != QUERY_BASE && query->scope != QUERY_SUBTREE) {
        strbuf_free(&m.attributes);
        session_result(s, LDAP_OP_SEARCH_DONE, LDAP_SUCCESS, NULL);
        return;
    }
    put_attribute(&m, "objectClass", false, schema_classes, ARRAY_LEN(schema_classes));
    put_attribute(&m, "cn", false, cn, ARRAY_LEN(cn));
    begin_attribute(&m, "attributeTypes", true);
    for (size_t i = 0; i < LDAP_ATTR_COUNT; i++)
        put_attribute_type(&m, &ldap_attributes[i]);
    for (size_t i = 0; i < ARRAY_LEN(system_types); i++)
        put_value(&m, slice_of(system_types[i]));
    end_attribute(&m);
    put_attribute(&m, "matchingRules", true, matching_rules, ARRAY_LEN(matching_rules));
    put_attribute(&m, "ldapSyntaxes", true, ldap_syntaxes, ARRAY_LEN(ldap_syntaxes));
    put_attribute(&m, "objectClasses", true, object_classes, ARRAY_LEN(object_classes));
    send_entry(&m, LDAP_SUBSCHEMA_DN, schema_classes, ARRAY_LEN(schema_classes));
}
