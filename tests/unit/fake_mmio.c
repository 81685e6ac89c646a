/* SPDX-License-Identifier: MIT */
/* See fake_mmio.h. A page is inaccessible; SIGSEGV opens it and sets the trap
 * flag, so that SIGTRAP follows after the one instruction and closes it again
 * (Intel SDM volume 3, §17.3.2). */
#define _GNU_SOURCE
#include "tests/unit/fake_mmio.h"

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "kernel/arch.h"
#include "kernel/mem.h"
#include "tests/unit/fake_kernel.h"

#define PAGES 4
#define TRAP_FLAG 0x100
#define ERROR_WRITE 2                  /* page-fault error code, SDM volume 3, §4.7 */

static struct page {
	char *at;
	size_t size;
	const struct fake_mmio *model;
	unsigned mapped;
} pages[PAGES];
static unsigned page_count;

static struct {
	struct page *page;
	unsigned offset;
	bool write;
} step;

static struct page *page_of(const char *address)
{
	for (unsigned i = 0; i < page_count; i++)
		if (address >= pages[i].at && address < pages[i].at + pages[i].size)
			return &pages[i];
	return NULL;
}

static uint32_t *word(void)
{
	return (uint32_t *)(step.page->at + step.offset);
}

static void before(int sig, siginfo_t *info, void *context)
{
	greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
	struct page *p = page_of(info->si_addr);
	uint32_t value;

	if (!p) {
		signal(SIGSEGV, SIG_DFL);       /* not ours: once more, for the sanitizer */
		return;
	}
	step.page = p;
	step.offset = (unsigned)((char *)info->si_addr - p->at);
	step.write = r[REG_ERR] & ERROR_WRITE;
	assert_int_equal(step.offset % 4, 0);
	value = p->model->read && !step.write ? p->model->read(step.offset) : 0;
	mprotect(p->at, p->size, PROT_READ | PROT_WRITE);
	*word() = value;
	r[REG_EFL] |= TRAP_FLAG;
}

static void after(int sig, siginfo_t *info, void *context)
{
	uint32_t value = *word();

	((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
	mprotect(step.page->at, step.page->size, PROT_NONE);
	if (step.write)
		step.page->model->write(step.offset, value);
}

void fake_mmio_run(void **state)
{
	/* Not masked: a failed assertion leaves the handler by longjmp(). */
	struct sigaction sa = { .sa_flags = SA_SIGINFO | SA_NODEFER, .sa_sigaction = before };
	CMUnitTestFunction test = (CMUnitTestFunction)*state;

	sigaction(SIGSEGV, &sa, NULL);
	sa.sa_sigaction = after;
	sigaction(SIGTRAP, &sa, NULL);
	test(state);
}

uintptr_t fake_mmio_map_pages(const struct fake_mmio *model, unsigned n)
{
	struct page *p = &pages[page_count];

	assert_true(page_count < PAGES);
	p->size = n * (size_t)PAGE_SIZE;
	p->at = mmap(NULL, p->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(p->at != MAP_FAILED);
	p->model = model;
	page_count++;
	return (uintptr_t)p->at;
}

uintptr_t fake_mmio_map(const struct fake_mmio *model)
{
	return fake_mmio_map_pages(model, 1);
}

unsigned fake_mmio_mapped(uintptr_t base)
{
	return page_of((char *)base)->mapped;
}

void arch_map(uintptr_t va, uint64_t pa, size_t len, unsigned prot)
{
	struct page *p = page_of((char *)va);

	assert_non_null(p);
	assert_true(va == pa && len == PAGE_SIZE);
	assert_int_equal(prot | PROT_W, PROT_R | PROT_W | PROT_DEVICE);
	p->mapped++;
}
