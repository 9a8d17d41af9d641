<?xml version="1.0" encoding="UTF-8"?>
<!--
  An OASIS UBL 2.1 CertificateOfOrigin as a certificate of the form that it names.

  The inverse of certificate-to-ubl.xsl, and a little wider, so that documents of others are read too: where UBL
  has a second place for the same thing it is looked up there. What is not there stays away; nothing is filled in.
-->
<xsl:stylesheet version="1.0"
    xmlns:xsl="http://www.w3.org/1999/XSL/Transform"
    xmlns:exsl="http://exslt.org/common"
    xmlns:ubl="urn:oasis:names:specification:ubl:schema:xsd:CertificateOfOrigin-2"
    xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
    xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"
    exclude-result-prefixes="exsl ubl cac cbc">

  <!--
    Names of elements are written out: libxslt loses the variable in name="{$variable}" where a thread borrowed the
    dictionary of another, which happens to a thread whose first deed was to copy a document of that other.
  -->

  <xsl:param name="namespace"/>
  <xsl:param name="root"/>      <!-- name of the certificate's root element -->

  <xsl:strip-space elements="*"/>

  <!-- A unit that packs several items says nothing of a single one. -->
  <xsl:key name="packed" match="cac:Shipment/cac:TransportHandlingUnit[count(cac:GoodsItem) = 1]"
           use="cac:GoodsItem/cbc:SequenceNumberID"/>
  <xsl:key name="invoices"
           match="cac:SupportingDocumentReference[normalize-space(cbc:DocumentTypeCode) = '380']"
           use="cbc:XPath"/>
  <!-- An invoice that points at no item is one of all of them. -->
  <xsl:key name="invoices"
           match="cac:SupportingDocumentReference[normalize-space(cbc:DocumentTypeCode) = '380'][not(cbc:XPath)]"
           use="'of every item'"/>

  <xsl:key name="certificates"
           match="cac:SupportingDocumentReference[cbc:DocumentTypeCode = '861' or cbc:DocumentTypeCode = '864']"
           use="normalize-space(cbc:DocumentStatusCode)"/>

  <xsl:template match="/">
    <xsl:variable name="bare"><xsl:apply-templates select="ubl:CertificateOfOrigin"/></xsl:variable>
    <xsl:apply-templates select="exsl:node-set($bare)/*" mode="dressed"/>
  </xsl:template>

  <xsl:template match="*" mode="dressed">
    <xsl:element name="{local-name()}" namespace="{$namespace}">
      <xsl:copy-of select="@*"/>
      <xsl:apply-templates mode="dressed"/>
    </xsl:element>
  </xsl:template>

  <!-- The certificate -->

  <xsl:template match="ubl:CertificateOfOrigin">
    <xsl:variable name="application" select="cac:CertificateOfOriginApplication"/>
    <xsl:variable name="shipment" select="$application/cac:Shipment"/>
    <xsl:variable name="consignment" select="$shipment/cac:Consignment[1]"/>
    <xsl:variable name="issuer" select="cac:IssuerEndorsement/cac:EndorserParty"/>
    <xsl:element name="{$root}">
      <xsl:for-each select="cbc:ID[normalize-space()]">
        <CertificateNumber><xsl:value-of select="."/></CertificateNumber>
      </xsl:for-each>
      <xsl:apply-templates select="." mode="countries">
        <xsl:with-param name="shipment" select="$shipment"/>
      </xsl:apply-templates>
      <xsl:for-each select="cbc:IssueDate[normalize-space()]">
        <IssueDate><xsl:value-of select="."/></IssueDate>
      </xsl:for-each>
      <xsl:for-each select="($issuer/cac:Party/cac:PhysicalLocation/cbc:Name)[normalize-space()][1]">
        <IssuePlace><xsl:value-of select="."/></IssuePlace>
      </xsl:for-each>
      <xsl:for-each select="($application/cac:IssuerParty/cac:PartyName/cbc:Name)[normalize-space()][1]">
        <IssuingBody><xsl:value-of select="."/></IssuingBody>
      </xsl:for-each>
      <xsl:for-each select="($issuer/cac:SignatoryContact/cbc:ID)[normalize-space()][1]">
        <Signatory><xsl:value-of select="."/></Signatory>
      </xsl:for-each>
      <xsl:apply-templates select="(cac:ExporterParty | $application/cac:ExporterParty)[1]"/>
      <xsl:apply-templates select="." mode="consignee">
        <xsl:with-param name="consignment" select="$consignment"/>
      </xsl:apply-templates>
      <xsl:for-each select="($shipment/cac:GoodsItem
                             /cac:Item[cac:AdditionalItemProperty/cbc:NameCode = 'Producer'])[1]">
        <Producer><xsl:apply-templates select="cac:ManufacturerParty[1]" mode="firm"/></Producer>
      </xsl:for-each>
      <xsl:apply-templates select="$shipment" mode="transport"/>
      <xsl:apply-templates select="$consignment" mode="marks"/>
      <xsl:apply-templates select="$application" mode="documents"/>
      <xsl:apply-templates select="$shipment/cac:Delivery/cac:DeliveryLocation" mode="exhibition"/>
      <xsl:apply-templates select="$application" mode="earlier"/>
      <xsl:apply-templates select="$application" mode="declaration"/>
      <xsl:if test="$application/cbc:Remarks[normalize-space()]">
        <Remarks><xsl:apply-templates select="$application/cbc:Remarks[normalize-space()]" mode="joined"/></Remarks>
      </xsl:if>
      <Items><xsl:apply-templates select="$shipment/cac:GoodsItem"/></Items>
    </xsl:element>
  </xsl:template>

  <xsl:template match="ubl:CertificateOfOrigin" mode="countries">
    <xsl:param name="shipment"/>
    <xsl:variable name="issuing"
        select="cac:CertificateOfOriginApplication/cac:IssuingCountry/cbc:IdentificationCode"/>
    <xsl:variable name="export" select="$shipment/cac:ExportCountry/cbc:IdentificationCode"/>
    <xsl:for-each select="($export | $issuing[not(normalize-space($export))])[normalize-space()][1]">
      <ExportingCountry><xsl:value-of select="normalize-space()"/></ExportingCountry>
    </xsl:for-each>
    <xsl:for-each select="$shipment/cac:Consignment[1]/cac:FinalDestinationCountry
                          /cbc:IdentificationCode[normalize-space()]">
      <ImportingCountry><xsl:value-of select="normalize-space()"/></ImportingCountry>
    </xsl:for-each>
  </xsl:template>

  <xsl:template match="ubl:CertificateOfOrigin" mode="consignee">
    <xsl:param name="consignment"/>
    <xsl:variable name="consignee" select="$consignment/cac:ConsigneeParty"/>
    <xsl:for-each select="$consignee | (cac:ImporterParty | cac:CertificateOfOriginApplication/cac:ImporterParty
                          | $consignment/cac:ImporterParty)[not($consignee)][1]">
      <Consignee><xsl:apply-templates select="." mode="firm"/></Consignee>
    </xsl:for-each>
  </xsl:template>

  <!-- Several texts, where a certificate has room for one -->
  <xsl:template match="*" mode="joined">
    <xsl:if test="position() &gt; 1"><xsl:text> </xsl:text></xsl:if>
    <xsl:value-of select="."/>
  </xsl:template>

  <!-- Firms -->

  <xsl:template match="cac:ExporterParty">
    <Exporter><xsl:apply-templates select="." mode="firm"/></Exporter>
  </xsl:template>

  <xsl:template match="*" mode="firm">
    <xsl:variable name="address" select="cac:PostalAddress"/>
    <xsl:variable name="name" select="cac:PartyName/cbc:Name"/>
    <xsl:variable name="lines"><xsl:apply-templates select="$address" mode="lines"/></xsl:variable>
    <xsl:variable name="number" select="cac:PartyIdentification/cbc:ID"/>
    <xsl:for-each select="($name | cac:PartyLegalEntity[not($name)]/cbc:RegistrationName)[normalize-space()][1]">
      <Name><xsl:value-of select="."/></Name>
    </xsl:for-each>
    <xsl:if test="exsl:node-set($lines)/*">
      <Address><xsl:copy-of select="$lines"/></Address>
    </xsl:if>
    <xsl:for-each select="($address/cac:Country/cbc:IdentificationCode)[normalize-space()][1]">
      <Country><xsl:value-of select="normalize-space()"/></Country>
    </xsl:for-each>
    <xsl:for-each select="($number | cac:PartyLegalEntity[not($number)]/cbc:CompanyID)[normalize-space()][1]">
      <Registration><xsl:value-of select="."/></Registration>
    </xsl:for-each>
  </xsl:template>

  <!-- An address in parts is read line by line as it is written on paper, then come its free lines. -->
  <xsl:template match="cac:PostalAddress" mode="lines">
    <xsl:apply-templates select="cbc:BuildingName" mode="line"/>
    <xsl:apply-templates select="." mode="line">
      <xsl:with-param name="text" select="normalize-space(concat(cbc:BuildingNumber, ' ', cbc:StreetName))"/>
    </xsl:apply-templates>
    <xsl:apply-templates select="cbc:AdditionalStreetName" mode="line"/>
    <xsl:apply-templates select="." mode="line">
      <xsl:with-param name="text" select="normalize-space(concat(cbc:CityName, ' ', cbc:PostalZone))"/>
    </xsl:apply-templates>
    <xsl:apply-templates select="cbc:CountrySubentity" mode="line"/>
    <xsl:apply-templates select="cac:AddressLine/cbc:Line" mode="line"/>
  </xsl:template>

  <xsl:template match="*" mode="line">
    <xsl:param name="text" select="string()"/>
    <xsl:if test="normalize-space($text)"><Line><xsl:value-of select="$text"/></Line></xsl:if>
  </xsl:template>

  <!-- Transport -->

  <xsl:template match="cac:Shipment" mode="transport">
    <xsl:variable name="stage" select="cac:ShipmentStage[1]"/>
    <xsl:variable name="means" select="$stage/cac:TransportMeans"/>
    <xsl:variable name="found">
      <xsl:apply-templates select="$stage/cbc:TransportModeCode[normalize-space()]"/>
      <xsl:apply-templates select="$stage" mode="departure"/>
      <xsl:for-each select="($means/cac:MaritimeTransport/cbc:VesselName | $means/cac:AirTransport/cbc:AircraftID
                             | $means/cac:RoadTransport/cbc:LicensePlateID | $means/cac:RailTransport/cbc:TrainID
                            )[normalize-space()][1]">
        <Vessel><xsl:value-of select="."/></Vessel>
      </xsl:for-each>
      <xsl:for-each select="$stage/cac:LoadingPortLocation">
        <xsl:for-each select="(cbc:ID | self::*[not(cbc:ID)]/cbc:Name)[normalize-space()][1]">
          <PortOfLoading><xsl:value-of select="."/></PortOfLoading>
        </xsl:for-each>
      </xsl:for-each>
      <xsl:for-each select="cac:ShipmentStage[last()]/cac:UnloadingPortLocation">
        <xsl:for-each select="(cbc:ID | self::*[not(cbc:ID)]/cbc:Name)[normalize-space()][1]">
          <PortOfDischarge><xsl:value-of select="."/></PortOfDischarge>
        </xsl:for-each>
      </xsl:for-each>
      <xsl:if test="cbc:Information[normalize-space()]">
        <Route><xsl:apply-templates select="cbc:Information[normalize-space()]" mode="joined"/></Route>
      </xsl:if>
    </xsl:variable>
    <xsl:if test="exsl:node-set($found)/*"><Transport><xsl:copy-of select="$found"/></Transport></xsl:if>
  </xsl:template>

  <!-- UNECE Recommendation 19; any other code stays as it is, and is told when the certificate is judged. -->
  <xsl:template match="cbc:TransportModeCode">
    <xsl:variable name="code" select="normalize-space()"/>
    <Mode>
      <xsl:choose>
        <xsl:when test="$code = '1'">sea</xsl:when>
        <xsl:when test="$code = '2'">rail</xsl:when>
        <xsl:when test="$code = '3'">road</xsl:when>
        <xsl:when test="$code = '4'">air</xsl:when>
        <xsl:when test="$code = '5'">post</xsl:when>
        <xsl:when test="$code = '6'">multimodal</xsl:when>
        <xsl:when test="$code = '8'">inland_waterway</xsl:when>
        <xsl:otherwise><xsl:value-of select="$code"/></xsl:otherwise>
      </xsl:choose>
    </Mode>
  </xsl:template>

  <!-- What was counts before what is expected, and that before what was planned. -->
  <xsl:template match="cac:ShipmentStage" mode="departure">
    <xsl:variable name="actual" select="cac:ActualDepartureTransportEvent/cbc:OccurrenceDate"/>
    <xsl:variable name="estimated" select="cac:EstimatedDepartureTransportEvent/cbc:OccurrenceDate"/>
    <xsl:variable name="planned" select="cac:PlannedDepartureTransportEvent/cbc:OccurrenceDate"/>
    <xsl:for-each select="($actual | $estimated[not($actual)] | $planned[not($actual | $estimated)]
                          )[normalize-space()][1]">
      <DepartureDate><xsl:value-of select="."/></DepartureDate>
    </xsl:for-each>
  </xsl:template>

  <!-- Marks: true for a box that was ticked, nothing for an endorsement in words, false for what does not apply. -->
  <xsl:template match="cac:Consignment" mode="marks">
    <xsl:variable name="found">
      <xsl:for-each select="cac:Status[cbc:ConditionCode/@listID = 'mark']">
        <xsl:variable name="ticked" select="normalize-space(cbc:IndicationIndicator)"/>
        <xsl:choose>
          <xsl:when test="$ticked = 'true'"><Tick><xsl:value-of select="cbc:ConditionCode"/></Tick></xsl:when>
          <xsl:when test="$ticked = ''"><Endorsement><xsl:value-of select="cbc:ConditionCode"/></Endorsement></xsl:when>
        </xsl:choose>
      </xsl:for-each>
    </xsl:variable>
    <xsl:if test="exsl:node-set($found)/*"><Ticks><xsl:copy-of select="$found"/></Ticks></xsl:if>
  </xsl:template>

  <!-- Other documents -->

  <xsl:template match="cac:CertificateOfOriginApplication" mode="documents">
    <xsl:variable name="exporter" select="../cac:ExporterParty/cac:PartyName/cbc:Name"/>
    <xsl:variable name="third" select="cac:SupportingDocumentReference[normalize-space(cbc:DocumentTypeCode) = '380']
        /cac:IssuerParty[not(cac:PartyName/cbc:Name = $exporter)][1]"/>
    <xsl:variable name="originals" select="key('certificates', 'original')"/>
    <xsl:for-each select="$third[1]">
      <ThirdPartyInvoice>
        <xsl:for-each select="(cac:PartyName/cbc:Name)[normalize-space()][1]">
          <Name><xsl:value-of select="."/></Name>
        </xsl:for-each>
        <xsl:for-each select="(cac:PostalAddress/cac:Country/cbc:IdentificationCode)[normalize-space()][1]">
          <Country><xsl:value-of select="normalize-space()"/></Country>
        </xsl:for-each>
      </ThirdPartyInvoice>
    </xsl:for-each>
    <xsl:if test="$originals">
      <BackToBack>
        <xsl:for-each select="$originals">
          <Original>
            <xsl:apply-templates select="." mode="earlier"/>
            <xsl:for-each select="cac:IssuerParty/cac:PostalAddress/cac:Country
                                  /cbc:IdentificationCode[normalize-space()]">
              <IssuingCountry><xsl:value-of select="normalize-space()"/></IssuingCountry>
            </xsl:for-each>
            <xsl:for-each select="(cac:IssuerParty/cac:PartyIdentification/cbc:ID)[normalize-space()][1]">
              <ApprovedExporter><xsl:value-of select="."/></ApprovedExporter>
            </xsl:for-each>
          </Original>
        </xsl:for-each>
      </BackToBack>
    </xsl:if>
  </xsl:template>

  <xsl:template match="cac:CertificateOfOriginApplication" mode="earlier">
    <xsl:for-each select="key('certificates', 'copied')">
      <CertifiedTrueCopyOf><xsl:apply-templates select="." mode="earlier"/></CertifiedTrueCopyOf>
    </xsl:for-each>
    <xsl:for-each select="key('certificates', 'replaced')">
      <Replaces>
        <xsl:apply-templates select="." mode="earlier"/>
        <xsl:if test="cbc:DocumentDescription[normalize-space()]">
          <Reason><xsl:apply-templates select="cbc:DocumentDescription[normalize-space()]" mode="joined"/></Reason>
        </xsl:if>
      </Replaces>
    </xsl:for-each>
  </xsl:template>

  <xsl:template match="cac:SupportingDocumentReference" mode="earlier">
    <xsl:for-each select="cbc:ID[normalize-space()]"><Number><xsl:value-of select="."/></Number></xsl:for-each>
    <xsl:for-each select="cbc:IssueDate[normalize-space()]">
      <IssueDate><xsl:value-of select="."/></IssueDate>
    </xsl:for-each>
  </xsl:template>

  <xsl:template match="cac:CertificateOfOriginApplication" mode="declaration">
    <xsl:variable name="exporter" select="cac:EndorserParty[cbc:RoleCode = 'exporter'][1]"/>
    <xsl:variable name="found">
      <xsl:for-each select="($exporter/cac:Party/cac:PhysicalLocation/cbc:Name)[normalize-space()][1]">
        <Place><xsl:value-of select="."/></Place>
      </xsl:for-each>
      <xsl:for-each select="(cac:SupportingDocumentReference[normalize-space(cbc:DocumentTypeCode) = '862']
                             /cbc:IssueDate)[normalize-space()][1]">
        <Date><xsl:value-of select="."/></Date>
      </xsl:for-each>
      <xsl:for-each select="($exporter/cac:SignatoryContact/cbc:Name)[normalize-space()][1]">
        <Signatory><xsl:value-of select="."/></Signatory>
      </xsl:for-each>
    </xsl:variable>
    <xsl:if test="exsl:node-set($found)/*"><Declaration><xsl:copy-of select="$found"/></Declaration></xsl:if>
  </xsl:template>

  <xsl:template match="cac:DeliveryLocation" mode="exhibition">
    <xsl:if test="normalize-space(cbc:LocationTypeCode) = 'exhibition'">
      <Exhibition>
        <xsl:for-each select="cbc:Name[normalize-space()]"><Name><xsl:value-of select="."/></Name></xsl:for-each>
        <xsl:if test="cac:Address/cac:AddressLine/cbc:Line[normalize-space()]">
          <Address>
            <xsl:apply-templates select="cac:Address/cac:AddressLine/cbc:Line[normalize-space()]" mode="joined"/>
          </Address>
        </xsl:if>
      </Exhibition>
    </xsl:if>
  </xsl:template>

  <!-- Items -->

  <xsl:template match="cac:GoodsItem">
    <xsl:variable name="item" select="cac:Item[1]"/>
    <xsl:variable name="properties" select="$item/cac:AdditionalItemProperty"/>
    <xsl:variable name="classified" select="$item/cac:CommodityClassification"/>
    <Item>
      <xsl:for-each select="cbc:SequenceNumberID[normalize-space()]">
        <Number><xsl:value-of select="."/></Number>
      </xsl:for-each>
      <xsl:apply-templates select="." mode="packages"/>
      <xsl:apply-templates select="." mode="description"/>
      <xsl:for-each select="($classified/cbc:CommodityCode
                             | $classified[not($classified/cbc:CommodityCode)]/cbc:ItemClassificationCode
                            )[normalize-space()][1]">
        <HarmonizedSystemCode><xsl:value-of select="normalize-space()"/></HarmonizedSystemCode>
      </xsl:for-each>
      <xsl:for-each select="cbc:PreferenceCriterionCode[normalize-space()]
                            | $properties[cbc:NameCode = 'OriginCriterion']/cbc:Value[normalize-space()]">
        <OriginCriterion><xsl:value-of select="normalize-space()"/></OriginCriterion>
      </xsl:for-each>
      <xsl:for-each select="($properties[cbc:NameCode = 'RvcPercent']/cbc:ValueQuantity)[normalize-space()][1]">
        <RvcPercent><xsl:value-of select="."/></RvcPercent>
      </xsl:for-each>
      <xsl:for-each select="($item/cac:OriginCountry/cbc:IdentificationCode)[normalize-space()][1]">
        <Origin><xsl:value-of select="normalize-space()"/></Origin>
      </xsl:for-each>
      <xsl:for-each select="($properties[cbc:NameCode = 'TariffDifferential']/cbc:Value)[normalize-space()][1]">
        <TariffDifferential><xsl:value-of select="normalize-space()"/></TariffDifferential>
      </xsl:for-each>
      <xsl:if test="not($properties[cbc:NameCode = 'Producer'])">
        <xsl:for-each select="$item/cac:ManufacturerParty[1]">
          <Producer><xsl:apply-templates select="." mode="firm"/></Producer>
        </xsl:for-each>
      </xsl:if>
      <xsl:for-each select="cbc:GrossWeightMeasure">
        <GrossWeight unit="{normalize-space(@unitCode)}"><xsl:value-of select="."/></GrossWeight>
      </xsl:for-each>
      <xsl:for-each select="cbc:NetWeightMeasure">
        <NetWeight unit="{normalize-space(@unitCode)}"><xsl:value-of select="."/></NetWeight>
      </xsl:for-each>
      <xsl:for-each select="cbc:Quantity">
        <Quantity><xsl:apply-templates select="@unitCode"/><xsl:value-of select="."/></Quantity>
      </xsl:for-each>
      <xsl:for-each select="cbc:FreeOnBoardValueAmount">
        <FobValue currency="{normalize-space(@currencyID)}"><xsl:value-of select="."/></FobValue>
      </xsl:for-each>
      <xsl:apply-templates select="." mode="invoices"/>
    </Item>
  </xsl:template>

  <xsl:template match="cac:GoodsItem" mode="packages">
    <xsl:variable name="unit" select="key('packed', cbc:SequenceNumberID)"/>
    <xsl:variable name="package" select="$unit/cac:ActualPackage | cac:ContainingPackage[not($unit)]"/>
    <xsl:variable name="packages">
      <xsl:for-each select="($unit[last() = 1]/cbc:TotalPackageQuantity)[normalize-space()][1]">
        <Count><xsl:value-of select="."/></Count>
      </xsl:for-each>
      <xsl:for-each select="($package/cbc:PackagingTypeCode)[normalize-space()][1]">
        <Kind><xsl:value-of select="normalize-space()"/></Kind>
      </xsl:for-each>
    </xsl:variable>
    <xsl:if test="$unit/cbc:ShippingMarks[normalize-space()]">
      <Marks><xsl:apply-templates select="$unit/cbc:ShippingMarks[normalize-space()]" mode="joined"/></Marks>
    </xsl:if>
    <xsl:if test="exsl:node-set($packages)/*"><Packages><xsl:copy-of select="$packages"/></Packages></xsl:if>
  </xsl:template>

  <xsl:template match="cac:GoodsItem" mode="description">
    <xsl:variable name="own" select="cbc:Description[normalize-space()]"/>
    <xsl:variable name="words" select="$own | cac:Item[1][not($own)]/cbc:Description[normalize-space()]"/>
    <xsl:if test="$words"><Description><xsl:apply-templates select="$words" mode="joined"/></Description></xsl:if>
  </xsl:template>

  <xsl:template match="@unitCode">
    <xsl:attribute name="unit"><xsl:value-of select="normalize-space()"/></xsl:attribute>
  </xsl:template>

  <xsl:template match="cac:GoodsItem" mode="invoices">
    <xsl:variable name="place" select="concat(&quot;//cac:Shipment/cac:GoodsItem[cbc:SequenceNumberID='&quot;,
                                              cbc:SequenceNumberID, &quot;']&quot;)"/>
    <xsl:variable name="found" select="key('invoices', $place) | key('invoices', 'of every item')"/>
    <xsl:if test="$found">
      <Invoices>
        <xsl:for-each select="$found">
          <Invoice>
            <xsl:for-each select="cbc:ID[normalize-space()]">
              <Number><xsl:value-of select="."/></Number>
            </xsl:for-each>
            <xsl:for-each select="cbc:IssueDate[normalize-space()]">
              <Date><xsl:value-of select="."/></Date>
            </xsl:for-each>
          </Invoice>
        </xsl:for-each>
      </Invoices>
    </xsl:if>
  </xsl:template>
</xsl:stylesheet>
