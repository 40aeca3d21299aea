"""Networks that make LGE images: of label maps (Pix2Pix, Isola et al. 2017), and of cine images (CycleGAN, Zhu et al. 2017)."""
