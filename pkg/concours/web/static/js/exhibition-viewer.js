// Full-screen viewing of the pictures in [data-viewer]: PhotoSwipe over the largest rendition of each <img srcset>.
// Without script the pictures and the links to each work's page stay as they are.
import PhotoSwipeLightbox from "../vendor/photoswipe-5.4.4/photoswipe-lightbox.esm.min.js";

function largest(image) {
  const found = (image.getAttribute("srcset") || "").split(",").map((part) => part.trim().split(/\s+/));
  const sized = found.filter((pair) => pair.length === 2).map(([url, width]) => ({ url, width: parseInt(width, 10) }));
  sized.sort((a, b) => b.width - a.width);
  const width = sized.length ? sized[0].width : Number(image.getAttribute("width")) || image.naturalWidth;
  const ratio = (Number(image.getAttribute("height")) || image.naturalHeight) / (Number(image.getAttribute("width")) || image.naturalWidth || 1);
  return { src: sized.length ? sized[0].url : image.currentSrc || image.src, width, height: Math.round(width * ratio) };
}

for (const gallery of document.querySelectorAll("[data-viewer]")) {
  const images = [...gallery.querySelectorAll("img")];
  if (!images.length) continue;
  const lightbox = new PhotoSwipeLightbox({
    bgOpacity: 0.97,
    dataSource: images.map((image) => ({ ...largest(image), alt: image.alt })),
    pswpModule: () => import("../vendor/photoswipe-5.4.4/photoswipe.esm.min.js"),
    wheelToZoom: true,
  });
  lightbox.init();
  images.forEach((image, index) => {
    const opener = document.createElement("button");
    opener.type = "button";
    opener.className = "viewer-open";
    opener.setAttribute("aria-label", image.alt);
    image.replaceWith(opener);
    opener.append(image);
    opener.addEventListener("click", () => lightbox.loadAndOpen(index));
  });
}
