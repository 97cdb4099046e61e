# The live system: see rootfs/build.sh.
.PHONY: iso repro
iso: deps ## the live system: $(B)/rehost.iso
	$(Q)rootfs/build.sh '$(CACHE)' '$(B)'

# the third build takes the kept lower layer, as `make iso` does
repro: deps ## two builds of the ISO from scratch and one more, compared byte by byte
	$(Q)for n in 1 2; do REHOST_FRESH=1 rootfs/build.sh '$(CACHE)' '$(B)/repro/'$$n || exit 1; done
	$(Q)rootfs/build.sh '$(CACHE)' '$(B)/repro/3'
	$(Q)iso/compare.sh '$(B)/repro/1/rehost.iso' '$(B)/repro/2/rehost.iso'
	$(Q)iso/compare.sh '$(B)/repro/1/rehost.iso' '$(B)/repro/3/rehost.iso'
