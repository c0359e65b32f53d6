/* See postfix_pickup.h. */
#include "config.h"

#include "ctl/postfix_pickup.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define NAME "pickup-cleanup"
#define SERVICE NAME "/unix"
#define DAEMON "pickup"

static const char hands_to[] = "cleanup_service_name";
static const char calls_itself[] = "milter_macro_daemon_name";
static const char danger[] = "whoever may run sendmail(1) can word a bounce in Postfix's name";

/* "pickup/unix", or "pickup/fifo" in a master.cf of old; NULL if there is none. */
static const char *pickup_of(const struct postfix *postfix)
{
    size_t i;

    for (i = 0; i < postfix->service_count; i++)
        if (!strcmp(postfix->services[i].program, "pickup"))
            return postfix->services[i].name;
    return NULL;
}

/* The cleanup that pickup's own option names. One that Postfix's bounces come through, too,
 * must not get the name. */
static void look_at_own(const struct postfix *postfix, const char *own, struct pickup_plan *plan,
                        struct findings *findings)
{
    char *service = xasprintf("%s/unix", own);
    const char *daemon = postfix_option(postfix, service, calls_itself);

    if (daemon) {
        plan->daemon = xstrdup(daemon);
        findings_add(findings, FINDING_NOTE,
                     "master.cf: pickup has a cleanup that calls itself \"%s\" already", daemon);
    } else if (!strcmp(own, postfix->values[POSTFIX_CLEANUP].expanded)) {
        findings_add(findings, FINDING_WARNING,
                     "master.cf: pickup has its own \"%s = %s\", which is left alone: while it "
                     "keeps pickup from a cleanup of its own %s",
                     hands_to, own, danger);
    } else {
        findings_add(findings, FINDING_WARNING,
                     "master.cf: pickup has its own \"%s = %s\", which is left alone: until %s has "
                     "\"-o %s=%s\" %s",
                     hands_to, own, service, calls_itself, DAEMON, danger);
    }
    free(service);
}

static void add_line(struct pickup_plan *plan, const char *flag, char *name_take, char *value_take)
{
    plan->lines[plan->count++] = (struct postfix_line){flag, name_take, value_take};
}

/* The new service does all that the one does which pickup uses now. */
static int copy_cleanup(const struct postfix *postfix, struct pickup_plan *plan,
                        struct findings *findings, struct error *error)
{
    char *model = xasprintf("%s/unix", postfix->values[POSTFIX_CLEANUP].expanded);
    int found = postfix_has_service(postfix, model);
    char *line;

    if (!found) {
        findings_add(findings, FINDING_WARNING,
                     "master.cf has no %s to make pickup's own from: %s", model, danger);
    } else if (postfix_service_line(postfix->directory, model, &line, error)) {
        found = -1;
    } else {
        add_line(plan, "-M", xstrdup(SERVICE),
                 xasprintf("%s%s -o %s=%s", NAME, line + strcspn(line, " "), calls_itself, DAEMON));
        free(line);
    }
    free(model);
    return found;
}

int pickup_plan_make(const struct postfix *postfix, int ours, struct pickup_plan *plan_r,
                     struct findings *findings, struct error *error)
{
    const char *pickup = pickup_of(postfix);
    const char *own = pickup ? postfix_option(postfix, pickup, hands_to) : NULL;
    int exists = postfix_has_service(postfix, SERVICE), found = 1;

    *plan_r = (struct pickup_plan){0};
    if (!pickup)
        return 0;
    if (own && (exists || !ours || strcmp(own, NAME) != 0)) {
        look_at_own(postfix, own, plan_r, findings);
        return 0;
    }
    if (exists && !ours) {
        findings_add(findings, FINDING_WARNING,
                     "master.cf has a %s already, which is left alone: until pickup has "
                     "\"-o %s=%s\", and that \"-o %s=%s\", %s",
                     SERVICE, hands_to, NAME, calls_itself, DAEMON, danger);
        return 0;
    }
    if (!exists)
        found = copy_cleanup(postfix, plan_r, findings, error);
    if (found == 1 && !own)
        add_line(plan_r, "-P", xasprintf("%s/%s", pickup, hands_to), xstrdup(NAME));
    if (found == 1)
        plan_r->daemon = xstrdup(DAEMON);
    return found < 0 ? -1 : 0;
}

void pickup_plan_clear(struct pickup_plan *plan)
{
    size_t i;

    for (i = 0; i < plan->count; i++) {
        free(plan->lines[i].name);
        free(plan->lines[i].value);
    }
    free(plan->daemon);
    *plan = (struct pickup_plan){0};
}

int pickup_apply(const struct postfix *postfix, const struct pickup_plan *plan,
                 struct error *error)
{
    size_t i;

    for (i = 0; i < plan->count; i++)
        if (postfix_edit_line(postfix->directory, &plan->lines[i], error))
            return -1;
    return 0;
}

int pickup_check_unused(const struct postfix *postfix, struct error *error)
{
    const char *pickup = pickup_of(postfix);
    const struct postfix_override *other;
    size_t i;

    if (!strcmp(postfix->values[POSTFIX_CLEANUP].expanded, NAME))
        return error_set(error, ERROR_ENVIRONMENT,
                         "main.cf: \"%s = %s\" names what --remove would take away: "
                         "nothing was changed",
                         hands_to, NAME);
    for (i = 0; i < postfix->override_count; i++) {
        other = &postfix->overrides[i];
        if (!strcmp(other->name, hands_to) && !strcmp(other->value, NAME) &&
            !(pickup && !strcmp(other->service, pickup)))
            return error_set(error, ERROR_ENVIRONMENT,
                             "master.cf: \"%s = %s\" of %s names what --remove would take away: "
                             "nothing was changed",
                             hands_to, NAME, other->service);
    }
    return 0;
}

static int take_out(const struct postfix *postfix, const char *flag, char *name_take,
                    struct error *error)
{
    struct postfix_line line = {flag, name_take, NULL};
    int result = postfix_edit_line(postfix->directory, &line, error);

    free(name_take);
    return result;
}

int pickup_take_back(const struct postfix *postfix, struct error *error)
{
    const char *pickup = pickup_of(postfix);
    const char *own = pickup ? postfix_option(postfix, pickup, hands_to) : NULL;

    if (own && !strcmp(own, NAME) &&
        take_out(postfix, "-PX", xasprintf("%s/%s", pickup, hands_to), error))
        return -1;
    return postfix_has_service(postfix, SERVICE)
               ? take_out(postfix, "-MX", xstrdup(SERVICE), error) : 0;
}
