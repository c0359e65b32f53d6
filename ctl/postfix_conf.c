/* See postfix_conf.h. */
#include "config.h"

#include "ctl/postfix_conf.h"

#include "base/mem.h"
#include "ctl/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[POSTFIX_PARAMETERS] = {
    [POSTFIX_SMTPD_MILTERS] = "smtpd_milters",
    [POSTFIX_NON_SMTPD_MILTERS] = "non_smtpd_milters",
    [POSTFIX_INTERNAL_FILTER] = "internal_mail_filter_classes",
    [POSTFIX_DEFAULT_ACTION] = "milter_default_action",
    [POSTFIX_MILTER_MAPS] = "smtpd_milter_maps", /* since 3.2 */
    [POSTFIX_OVERRIDES] = "receive_override_options",
    [POSTFIX_CLEANUP] = "cleanup_service_name",
    [POSTFIX_QUEUE_DIRECTORY] = "queue_directory",
    [POSTFIX_MAIL_OWNER] = "mail_owner",
    [POSTFIX_VERSION] = "mail_version",
    [POSTFIX_COMPATIBILITY] = "compatibility_level",
    [POSTFIX_INSTANCES] = "multi_instance_directories",
    [POSTFIX_INSTANCE_NAME] = "multi_instance_name",
};

const char *postfix_parameter_name(enum postfix_parameter parameter)
{
    return names[parameter];
}

/* Splits "name = value" in place. NULL if the line has no "=". */
static char *split_line(char *line)
{
    char *equals = strstr(line, " =");

    if (!equals)
        return NULL;
    *equals = '\0';
    equals += 2;
    return equals + strspn(equals, " ");
}

/* Which of the values an answer fills. */
enum aspect { RAW, EXPANDED, SET };

static void take(struct postfix *postfix, const char *name, const char *text, enum aspect aspect)
{
    struct postfix_value *value;
    char **field;
    int i;

    for (i = 0; i < POSTFIX_PARAMETERS && strcmp(names[i], name) != 0; i++)
        ;
    if (i == POSTFIX_PARAMETERS)
        return;
    value = &postfix->values[i];
    if (aspect == SET) {
        value->set = 1;
        return;
    }
    field = aspect == RAW ? &value->raw : &value->expanded;
    free(*field);
    *field = xstrdup(text);
}

/* postconf -c DIR FLAG NAME...: flag NULL asks for the plain values. */
static int ask_values(struct postfix *postfix, const char *flag, enum aspect aspect,
                      struct error *error)
{
    const char *argv[POSTFIX_PARAMETERS + 5] = {"postconf", "-c", postfix->directory};
    char *output, *rest, *line, *value;
    int count = 3, i;

    if (flag)
        argv[count++] = flag;
    for (i = 0; i < POSTFIX_PARAMETERS; i++)
        argv[count++] = names[i];
    if (run_output(argv, &output, error))
        return -1;
    for (rest = output; (line = strsep(&rest, "\n"));)
        if ((value = split_line(line)))
            take(postfix, line, value, aspect);
    free(output);
    return 0;
}

/* "-" follows the compatibility level: chrooted before level 1, not since. */
static int chroot_default(const struct postfix *postfix)
{
    return atoi(postfix->values[POSTFIX_COMPATIBILITY].expanded) < 1;
}

static struct postfix_service *service_of(struct postfix *postfix, const char *name)
{
    struct postfix_service *last;

    if (postfix->service_count) {
        last = &postfix->services[postfix->service_count - 1];
        if (!strcmp(last->name, name))
            return last;
    }
    postfix->services = xrealloc(postfix->services,
                                 (postfix->service_count + 1) * sizeof(*postfix->services));
    last = &postfix->services[postfix->service_count++];
    *last = (struct postfix_service){.name = xstrdup(name), .program = xstrdup("")};
    return last;
}

/* One answer of postconf -F, "smtp/inet/chroot = y" or ".../command = smtpd -v". */
static void take_field(struct postfix *postfix, char *path, const char *value)
{
    char *field = strrchr(path, '/');
    struct postfix_service *service;

    if (!field)
        return;
    *field++ = '\0';
    service = service_of(postfix, path);
    if (!strcmp(field, "chroot")) {
        service->chrooted = *value == '-' ? chroot_default(postfix) : *value == 'y';
    } else if (!strcmp(field, "command")) {
        free(service->program);
        service->program = xstrndup(value, strcspn(value, " "));
    }
}

static int ask_services(struct postfix *postfix, struct error *error)
{
    const char *argv[] = {"postconf", "-c", postfix->directory, "-F", NULL};
    char *output, *rest, *line, *value;

    if (run_output(argv, &output, error))
        return -1;
    for (rest = output; (line = strsep(&rest, "\n"));)
        if ((value = split_line(line)))
            take_field(postfix, line, value);
    free(output);
    return 0;
}

/* One answer of postconf -P, "submission/inet/smtpd_milters = ...". */
static void take_override(struct postfix *postfix, char *path, const char *value)
{
    char *name = strrchr(path, '/');
    struct postfix_override *override;

    if (!name)
        return;
    *name++ = '\0';
    postfix->overrides = xrealloc(postfix->overrides,
                                  (postfix->override_count + 1) * sizeof(*postfix->overrides));
    override = &postfix->overrides[postfix->override_count++];
    override->service = xstrdup(path);
    override->name = xstrdup(name);
    override->value = xstrdup(value);
}

static int ask_overrides(struct postfix *postfix, struct error *error)
{
    const char *argv[] = {"postconf", "-c", postfix->directory, "-P", NULL};
    char *output, *rest, *line, *value;

    if (run_output(argv, &output, error))
        return -1;
    for (rest = output; (line = strsep(&rest, "\n"));)
        if ((value = split_line(line)))
            take_override(postfix, line, value);
    free(output);
    return 0;
}

static int ask_directory(char **directory_r, struct error *error)
{
    const char *argv[] = {"postconf", "-h", "config_directory", NULL};

    if (run_output(argv, directory_r, error))
        return -1;
    (*directory_r)[strcspn(*directory_r, "\n")] = '\0';
    return 0;
}

int postfix_look(const char *directory, struct postfix **postfix_r, struct error *error)
{
    struct postfix *postfix = xcalloc(1, sizeof(*postfix));
    int i;

    for (i = 0; i < POSTFIX_PARAMETERS; i++) {
        postfix->values[i].raw = xstrdup("");
        postfix->values[i].expanded = xstrdup("");
    }
    postfix->directory = xstrdup(directory);
    if ((!directory && ask_directory(&postfix->directory, error)) ||
        ask_values(postfix, NULL, RAW, error) || ask_values(postfix, "-x", EXPANDED, error) ||
        ask_values(postfix, "-n", SET, error) || ask_services(postfix, error) ||
        ask_overrides(postfix, error)) {
        postfix_free(&postfix);
        return -1;
    }
    *postfix_r = postfix;
    return 0;
}

/* The last of several counts, as for the service itself. */
const char *postfix_option(const struct postfix *postfix, const char *service, const char *name)
{
    const struct postfix_override *override;
    size_t i;

    for (i = postfix->override_count; i-- > 0;) {
        override = &postfix->overrides[i];
        if (!strcmp(override->service, service) && !strcmp(override->name, name))
            return override->value;
    }
    return NULL;
}

int postfix_has_service(const struct postfix *postfix, const char *service)
{
    size_t i;

    for (i = 0; i < postfix->service_count; i++)
        if (!strcmp(postfix->services[i].name, service))
            return 1;
    return 0;
}

int postfix_chrooted(const struct postfix *postfix, const char *program)
{
    size_t i;

    for (i = 0; i < postfix->service_count; i++)
        if (postfix->services[i].chrooted && !strcmp(postfix->services[i].program, program))
            return 1;
    return 0;
}

int postfix_at_least(const struct postfix *postfix, int major, int minor)
{
    int has_major = 0, has_minor = 0;

    if (sscanf(postfix->values[POSTFIX_VERSION].expanded, "%d.%d", &has_major, &has_minor) < 1)
        return 0;
    return has_major > major || (has_major == major && has_minor >= minor);
}

/* One call of postconf with the settings of one kind. */
static int edit_kind(const char *directory, const char *flag,
                     const struct postfix_setting settings[POSTFIX_PARAMETERS],
                     struct error *error)
{
    char *arguments[POSTFIX_PARAMETERS];
    const char *argv[POSTFIX_PARAMETERS + 5] = {"postconf", "-c", directory, flag};
    int taking_out = !strcmp(flag, "-X"), count = 0, result = 0, i;
    char *output = NULL;

    for (i = 0; i < POSTFIX_PARAMETERS; i++) {
        if (!settings[i].name || taking_out != !settings[i].value)
            continue;
        arguments[count] = taking_out ? xstrdup(settings[i].name)
                                      : xasprintf("%s = %s", settings[i].name, settings[i].value);
        argv[4 + count] = arguments[count];
        count++;
    }
    if (count)
        result = run_output(argv, &output, error);
    free(output);
    while (count)
        free(arguments[--count]);
    return result;
}

int postfix_edit(const char *directory, const struct postfix_setting settings[POSTFIX_PARAMETERS],
                 struct error *error)
{
    if (edit_kind(directory, "-e", settings, error))
        return -1;
    return edit_kind(directory, "-X", settings, error);
}

int postfix_service_line(const char *directory, const char *service, char **line_r,
                         struct error *error)
{
    const char *argv[] = {"postconf", "-c", directory, "-M", service, NULL};

    if (run_output(argv, line_r, error))
        return -1;
    (*line_r)[strcspn(*line_r, "\n")] = '\0';
    return 0;
}

int postfix_edit_line(const char *directory, const struct postfix_line *line, struct error *error)
{
    char *argument = line->value ? xasprintf("%s = %s", line->name, line->value)
                                 : xstrdup(line->name);
    const char *argv[] = {"postconf", "-c", directory, line->flag, argument, NULL};
    char *output = NULL;
    int result = run_output(argv, &output, error);

    free(output);
    free(argument);
    return result;
}

void postfix_free(struct postfix **postfix)
{
    struct postfix *old = *postfix;
    size_t i;

    *postfix = NULL;
    if (!old)
        return;
    for (i = 0; i < POSTFIX_PARAMETERS; i++) {
        free(old->values[i].raw);
        free(old->values[i].expanded);
    }
    for (i = 0; i < old->service_count; i++) {
        free(old->services[i].name);
        free(old->services[i].program);
    }
    for (i = 0; i < old->override_count; i++) {
        free(old->overrides[i].service);
        free(old->overrides[i].name);
        free(old->overrides[i].value);
    }
    free(old->services);
    free(old->overrides);
    free(old->directory);
    free(old);
}
