// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/files.h"
#include "tools/lab_shop.h"

/* The samples themselves, byte for byte (tools/tools.mk says that this depends on them). */
#define EMBED(name, file)						\
	__asm__(".section .rodata\n" #name ":\n.incbin \"" file "\"\n" #name "_end:\n.byte 0\n.previous\n");	\
	extern const char name[], name##_end[]
EMBED(weir_shop_cluster, "policies/shop/cluster.yaml");
EMBED(weir_shop_policies, "policies/shop/policies.yaml");

/* What the demo has beyond the sample: a door that is not the front door. */
static const char node_port[] =
	"# A NodePort: an outside client comes in as the node itself, and is judged as an ordinary stranger.\n"
	"apiVersion: v1\n"
	"kind: Service\n"
	"metadata: {name: back-door, namespace: shop}\n"
	"spec:\n"
	"  type: NodePort\n"
	"  clusterIPs: [10.96.0.10]\n"
	"  ports: [{name: http, port: 80, nodePort: 30080, protocol: TCP}]\n"
	"---\n"
	"apiVersion: discovery.k8s.io/v1\n"
	"kind: EndpointSlice\n"
	"metadata: {name: back-door-1, namespace: shop, labels: {kubernetes.io/service-name: back-door}}\n"
	"addressType: IPv4\n"
	"ports: [{name: http, port: 8080, protocol: TCP}]\n"
	"endpoints: [{addresses: [10.244.1.10], conditions: {ready: true}}]\n";

static int put(const char *dir, const char *name, const char *text, size_t size)
{
	char path[4096];
	int err = path_join(path, sizeof(path), dir, name);

	return err ? err : file_write(path, text, size);
}

int shop_write(const char *dir)
{
	int err = mkdir(dir, 0755) < 0 ? -errno : 0;

	if (!err)
		err = put(dir, "cluster.yaml", weir_shop_cluster, weir_shop_cluster_end - weir_shop_cluster);
	if (!err)
		err = put(dir, "policies.yaml", weir_shop_policies, weir_shop_policies_end - weir_shop_policies);
	if (!err)
		err = put(dir, "back-door.yaml", node_port, sizeof(node_port) - 1);
	return err;
}
