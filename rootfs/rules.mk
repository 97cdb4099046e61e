# The live system: see rootfs/build.sh.
.PHONY: iso repro
iso: deps ## the live system: $(B)/rehost.iso
	$(Q)rootfs/build.sh '$(CACHE)' '$(B)'

repro: deps ## two builds of the ISO from scratch, compared byte by byte
	$(Q)for n in 1 2; do REHOST_FRESH=1 rootfs/build.sh '$(CACHE)' '$(B)/repro/'$$n || exit 1; done
	$(Q)iso/compare.sh '$(B)/repro/1/rehost.iso' '$(B)/repro/2/rehost.iso'
