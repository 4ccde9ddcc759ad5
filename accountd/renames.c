/*
 * accountd/renames.c - what is in memory under names, around a rename of them.
 */
#include "accountd/renames.h"

#include "accountd/blocks.h"
#include "accountd/flow.h"
#include "accountd/mass_mail.h"

void
renames_begin(struct server *server)
{
    if (server->flow != NULL)
        flow_settle(server->flow);
    if (server->mass_mail != NULL)
        mass_mail_settle(server->mass_mail);
    if (server->blocks != NULL)
        blocks_settle(server->blocks);
}

void
renames_done(struct server *server)
{
    if (server->flow != NULL)
        flow_reload(server->flow);
    if (server->blocks != NULL)
        blocks_reload(server->blocks);
}
