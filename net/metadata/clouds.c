/* SPDX-License-Identifier: MIT */
/* See clouds.h. Each row as its cloud documents it:
 *
 *	aws		Amazon EC2 User Guide, "Use the Instance Metadata Service": version 2 alone
 *	gce		Compute Engine, "About VM metadata"; the attribute user-data
 *	azure		"Azure Instance Metadata Service", 2021-01-01, the first with userData
 *	oci		OCI Compute, "Getting Instance Metadata", version 2
 *	digitalocean	"DigitalOcean Metadata API"
 *	hetzner		Hetzner Cloud API, "Server metadata"
 *	vultr		vultr.com/metadata
 *	linode		Akamai, "Use the Metadata service API"
 *	openstack	Nova, "Metadata service"
 *	firecracker	docs/mmds/mmds-user-guide.md, version 2, with the paths of aws
 *
 * and marked as cloud-init's ds-identify recognises it. */
#include "net/metadata/clouds.h"

#include <errno.h>
#include <string.h>

#include "kernel/dev/smbios.h"
#include "kernel/kernel.h"

#define AZURE "/metadata/instance/compute/"
#define AZURE_QUERY "?api-version=2021-01-01&format=text"

static const struct cloud clouds[] = {
	{ .name = "aws", .mark = SMBIOS_MAKER, .is = "Amazon EC2", .host6 = "[fd00:ec2::254]",
	  .token = "/latest/api/token", .life = "60",
	  .life_field = "X-aws-ec2-metadata-token-ttl-seconds",
	  .token_field = "X-aws-ec2-metadata-token",
	  .user_data = "/latest/user-data", .hostname = "/latest/meta-data/local-hostname" },
	{ .name = "gce", .mark = SMBIOS_PRODUCT, .is = "Google Compute Engine",
	  .field = "Metadata-Flavor", .value = "Google",
	  .user_data = "/computeMetadata/v1/instance/attributes/user-data",
	  .hostname = "/computeMetadata/v1/instance/hostname" },
	{ .name = "azure", .mark = SMBIOS_ASSET, .is = "7783-7084-3265-9085-8269-3286-77",
	  .field = "Metadata", .value = "true",
	  .user_data = AZURE "userData" AZURE_QUERY, .base64 = true,
	  .hostname = AZURE "name" AZURE_QUERY },
	{ .name = "oci", .mark = SMBIOS_ASSET, .is = "OracleCloud.com",
	  .host6 = "[fd00:c1::a9fe:a9fe]", .field = "Authorization", .value = "Bearer Oracle",
	  .user_data = "/opc/v2/instance/metadata/user_data", .base64 = true,
	  .hostname = "/opc/v2/instance/hostname" },
	{ .name = "digitalocean", .mark = SMBIOS_MAKER, .is = "DigitalOcean",
	  .user_data = "/metadata/v1/user-data", .hostname = "/metadata/v1/hostname" },
	{ .name = "hetzner", .mark = SMBIOS_MAKER, .is = "Hetzner",
	  .user_data = "/hetzner/v1/userdata", .hostname = "/hetzner/v1/metadata/hostname" },
	{ .name = "vultr", .mark = SMBIOS_MAKER, .is = "Vultr",
	  .field = "Metadata-Token", .value = "vultr",
	  .user_data = "/latest/user-data", .hostname = "/latest/meta-data/hostname" },
	{ .name = "linode", .mark = SMBIOS_MAKER, .is = "Linode", .host6 = "[fd00:a9fe:a9fe::1]",
	  .token = "/v1/token", .life_field = "Metadata-Token-Expiry-Seconds", .life = "60",
	  .token_field = "Metadata-Token", .user_data = "/v1/user-data", .base64 = true,
	  .hostname = "/v1/instance", .member = "label" },
	{ .name = "openstack", .mark = SMBIOS_PRODUCT, .is = "OpenStack",
	  .user_data = "/openstack/latest/user_data",
	  .hostname = "/openstack/latest/meta_data.json", .member = "hostname" },
	{ .name = "firecracker", .token = "/latest/api/token", .life = "60",
	  .life_field = "X-metadata-token-ttl-seconds", .token_field = "X-metadata-token",
	  .user_data = "/latest/user-data", .hostname = "/latest/meta-data/local-hostname" },
};

/* Other marks of clouds above. */
static const struct { uint16_t mark; const char *is, *name; } others[] = {
	{ SMBIOS_MAKER, "Akamai", "linode" },
	{ SMBIOS_ASSET, "OpenTelekomCloud", "openstack" },
};

const struct cloud *cloud_named(const char *name)
{
	for (unsigned i = 0; i < ARRAY_LEN(clouds); i++)
		if (strcmp(clouds[i].name, name) == 0)
			return &clouds[i];
	return NULL;
}

/* Whether this structure has that mark. */
static bool is_marked(const struct smbios_item *item, uint16_t mark, const char *is)
{
	unsigned at = mark & 0xff;

	return item->type == mark >> 8 && item->len > at &&
	       strncmp(smbios_string(item, (uint8_t)item->at[at]), is, strlen(is)) == 0;
}

const struct cloud *cloud_recognised(const void *table, size_t len)
{
	struct smbios_item item;
	struct smbios s;

	smbios_walk(&s, table, len);
	while (smbios_next(&s, &item)) {
		for (unsigned i = 0; i < ARRAY_LEN(clouds); i++)
			if (clouds[i].mark && is_marked(&item, clouds[i].mark, clouds[i].is))
				return &clouds[i];
		for (unsigned i = 0; i < ARRAY_LEN(others); i++)
			if (is_marked(&item, others[i].mark, others[i].is))
				return cloud_named(others[i].name);
	}
	return NULL;
}

long base64_decode(char *text, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t bits = 0;
	size_t n = 0, out = 0, pads = 0;

	for (size_t i = 0; i < len; i++) {
		const char *digit = memchr(digits, text[i], sizeof(digits) - 1);

		if (text[i] == ' ' || (text[i] >= '\t' && text[i] <= '\r'))
			continue;
		if (text[i] == '=' ? ++pads > 2 : !digit || pads > 0)
			return -EINVAL;
		bits = bits << 6 | (digit ? (uint32_t)(digit - digits) : 0);
		if (++n % 4)
			continue;
		text[out++] = (char)(bits >> 16);
		text[out++] = (char)(bits >> 8);
		text[out++] = (char)bits;
	}
	return n % 4 ? -EINVAL : (long)(out - pads);
}
