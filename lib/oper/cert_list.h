/*
 * lib/oper/cert_list.h - the certificates of an instance: those in etc/certs and the pair of the
 * settings, wherever it is. Reads files, changes nothing.
 */
#ifndef POSTHORN_LIB_OPER_CERT_LIST_H
#define POSTHORN_LIB_OPER_CERT_LIST_H

#include "lib/conf/conf.h"
#include "lib/conf/instance.h"
#include "lib/ipc/object.h"

enum cert_state {
    CERT_REQUEST,  /* no certificate yet */
    CERT_INACTIVE, /* for nobody */
    CERT_BY_HOST,  /* for clients that ask for one of its names */
    CERT_ACTIVE,   /* for all others */
};

struct cert_entry {
    char *name;
    char *crt, *csr, *key; /* paths; of a certificate outside the list no csr */
    bool has_crt, has_csr, has_key;
    enum cert_state state;
};

const char *cert_state_name(enum cert_state state);
/* The entry of that name, whether its files are there or not; empty if it is no name. Free it. */
void cert_entry_find(const struct instance *inst, const struct conf *conf, const char *name,
                     struct cert_entry *entry);
void cert_entry_free(struct cert_entry *entry);
/* A name that is kept for a pair outside the list. */
bool cert_entry_is_other(const char *name);

/* tls.key names its key, whatever tls.certificate names. */
bool cert_entry_has_active_key(const struct instance *inst, const struct conf *conf,
                               const struct cert_entry *entry);

/* Runs each() for every entry, by name. 0, or -1 with errno. */
int cert_list_each(const struct instance *inst, const struct conf *conf,
                   void (*each)(void *arg, struct cert_entry *entry), void *arg);

/* Reads what is known about an entry: fields of kind "certificate" (lib/oper/kinds.def), borrowed
 * for the call. */
void cert_entry_fields(const struct cert_entry *entry,
                       void (*use)(void *arg, const struct object_field *fields, uint32_t count),
                       void *arg);

#endif
